/* Programs that are more than one function: maps, tail calls, many call sites. BPF only. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

typedef struct {
	u32 data, data_end;
} context;

#define SECTION(NAME) __attribute__((section(NAME), used))
#define noinline static __attribute__((noinline))
#define inlined static inline __attribute__((always_inline))

/* Keeps a loop a loop, and the compiler from knowing a value. */
#define opaque(x) __asm__ volatile("" : "+r"(x))

#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES) \
	struct { \
		int (*type)[TYPE]; \
		KEY *key; \
		VALUE *value; \
		int (*max_entries)[ENTRIES]; \
	} NAME SECTION(".maps")

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;

char _license[] SECTION("license") = "GPL";
