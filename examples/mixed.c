/*
 * Calls and tail calls mixed: entry -> subprogram -> tail call -> back in the entry.
 *
 * `entry` calls `subprogram`, which tail-calls slot 0 of `programs`, filled with `target` by `.values`. The tail call
 * replaces the frame of `subprogram` alone. When `target` ends, its 40 is what the call in `entry` returns, and `entry`
 * goes on with its registers and its stack as they were: 40 + 2 = 42. With an empty slot the subprogram falls through and
 * returns 7: 7 + 2 = 9.
 */

typedef unsigned int u32;
typedef unsigned long long u64;

struct xdp_md;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __array(name, of) typeof(of) *name[]

enum { BPF_MAP_TYPE_PROG_ARRAY = 3 };

static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;

int target(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} programs SEC(".maps") = {
	.values = { [0] = (void *)&target },
};

SEC("xdp") int target(struct xdp_md *ctx)
{
	return 40;
}

static __attribute__((noinline)) int subprogram(struct xdp_md *ctx)
{
	int fell_through = 7;

	bpf_tail_call(ctx, &programs, 0);
	/* Were the 7 in plain sight, clang would take 7 for the result of every call: `target` is not in its picture. */
	asm volatile("" : "+r"(fell_through));
	return fell_through;
}

SEC("xdp") int entry(struct xdp_md *ctx)
{
	volatile u64 on_stack = 1;
	u32 in_register = 1;
	int result;

	asm volatile("" : "+r"(in_register));
	result = subprogram(ctx);
	return result + in_register + on_stack;
}

SEC("license") char _license[] = "GPL";
