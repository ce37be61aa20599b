/*
 * The same function foo, once inlined and once called: both programs return XDP_DROP (1).
 *
 * clang inlines a plain `static` function at -O2, so the called one says `noinline`. It would still see that foo always
 * returns the same number and drop the call; the empty asm hides the number from it.
 */

struct xdp_md;

enum { XDP_DROP = 1 };

#define SEC(name) __attribute__((section(name), used))

static inline __attribute__((always_inline)) int foo_inlined(void)
{
	int verdict = XDP_DROP;

	asm volatile("" : "+r"(verdict));
	return verdict;
}

static __attribute__((noinline)) int foo(void)
{
	int verdict = XDP_DROP;

	asm volatile("" : "+r"(verdict));
	return verdict;
}

SEC("xdp") int xdp_drop_inlined(struct xdp_md *ctx)
{
	return foo_inlined();
}

SEC("xdp") int xdp_drop(struct xdp_md *ctx)
{
	return foo();
}

SEC("license") char _license[] = "GPL";
