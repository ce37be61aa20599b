/* One source for three targets: BPF (here and in the kernel) and native code. */
#ifdef NATIVE
typedef struct {
	unsigned char *data, *data_end;
} context;
#define DATA(c) ((c)->data)
#define DATA_END(c) ((c)->data_end)
#else
typedef struct {
	unsigned data, data_end;
} context;
#define DATA(c) ((unsigned char *)(long)(c)->data)
#define DATA_END(c) ((unsigned char *)(long)(c)->data_end)
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
#define noinline static __attribute__((noinline))

/* Keeps a loop a loop, and the compiler from knowing a value. */
#define opaque(x) __asm__ volatile("" : "+r"(x))
