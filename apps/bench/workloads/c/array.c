#include "bench.h"

#ifdef NATIVE
static u64 values[256];
static u64 *lookup(u32 *key)
{
	return *key < 256 ? &values[*key] : 0;
}
#else
MAP(values, 2, u32, u64, 256);
#define lookup(key) ((u64 *)bpf_map_lookup_elem(&values, key))
#endif

/* 1,000 lookups in an array. */
ENTRY int entry(context *c)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < 1000; i++) {
		opaque(i);
		u32 key = (i * 7) & 255;
		u64 *value = lookup(&key);

		if (value)
			sum += *value + i;
	}
	return sum;
}
