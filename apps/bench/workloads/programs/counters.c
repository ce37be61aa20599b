#include "program.h"

#define ARRAY 2
#define PERCPU_ARRAY 6

MAP(all, ARRAY, u32, u64, 1);
MAP(own, PERCPU_ARRAY, u32, u64, 1);

/* Counts 100 times: in one counter that all threads have, or in one for each CPU. */
SECTION("xdp") int count_all(context *c)
{
	u32 i, key = 0;
	for (i = 0; i < 100; i++) {
		opaque(i);
		u64 *value = bpf_map_lookup_elem(&all, &key);
		if (value)
			__sync_fetch_and_add(value, 1);
	}
	return i;
}

SECTION("xdp") int count_own(context *c)
{
	u32 i, key = 0;
	for (i = 0; i < 100; i++) {
		opaque(i);
		u64 *value = bpf_map_lookup_elem(&own, &key);
		if (value)
			*value += 1;
	}
	return i;
}
