/* One source for three targets: BPF here, BPF in the kernel, and native code. */
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
