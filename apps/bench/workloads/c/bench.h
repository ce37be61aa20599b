/*
 * One source for three targets: BPF with an XDP entry, BPF over raw memory (-DRAW), and native code (-DNATIVE).
 * Raw memory begins with two 32-bit words, how often to run and nothing; the packet is what follows.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef NATIVE
typedef struct {
	u8 *data, *data_end;
} context;
#define DATA(c) ((c)->data)
#define DATA_END(c) ((c)->data_end)
#define ENTRY
#elif defined(RAW)
typedef struct {
	u8 *data, *data_end;
} context;
#define DATA(c) ((c)->data)
#define DATA_END(c) ((c)->data_end)
#define ENTRY static inline __attribute__((always_inline))
#else
typedef struct {
	u32 data, data_end;
} context;
#define DATA(c) ((u8 *)(long)(c)->data)
#define DATA_END(c) ((u8 *)(long)(c)->data_end)
#define ENTRY __attribute__((section("xdp"), used))
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES) \
	struct { \
		int (*type)[TYPE]; \
		KEY *key; \
		VALUE *value; \
		int (*max_entries)[ENTRIES]; \
	} NAME __attribute__((section(".maps"), used))
#endif

#define noinline static __attribute__((noinline))

/* Keeps a loop a loop, and the compiler from knowing a value. */
#define opaque(x) __asm__ volatile("" : "+r"(x))

#ifdef RAW
ENTRY int entry(context *c);

__attribute__((section("raw"), used)) u64 raw_entry(u8 *memory, u64 length)
{
	u32 runs = *(u32 *)memory, result = 0, i;

	for (i = 0; i < runs; i++) {
		context c = { memory + 8, memory + length };

		__asm__ volatile("" : : : "memory");
		result = entry(&c);
	}
	return result;
}
#endif
