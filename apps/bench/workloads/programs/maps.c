#include "program.h"

#define ARRAY 2
#define HASH 1
#define PERCPU_HASH 5
#define PERCPU_ARRAY 6
#define LRU_HASH 9
#define LRU_PERCPU_HASH 10

/* 100 lookups, and 100 updates, of keys that are there. */
#define OPERATIONS(NAME, TYPE) \
	MAP(NAME, TYPE, u32, u64, 256); \
	SECTION("xdp") int lookup_##NAME(context *c) \
	{ \
		u64 sum = 0; \
		u32 i; \
		for (i = 0; i < 100; i++) { \
			opaque(i); \
			u32 key = (i * 7) & 255; \
			u64 *value = bpf_map_lookup_elem(&NAME, &key); \
			if (value) \
				sum += *value + i; \
		} \
		return sum; \
	} \
	SECTION("xdp") int update_##NAME(context *c) \
	{ \
		u32 i, done = 0; \
		for (i = 0; i < 100; i++) { \
			opaque(i); \
			u32 key = (i * 7) & 255; \
			u64 value = i; \
			done += bpf_map_update_elem(&NAME, &key, &value, 0) == 0; \
		} \
		return done; \
	}

OPERATIONS(array, ARRAY)
OPERATIONS(percpu_array, PERCPU_ARRAY)
OPERATIONS(hash, HASH)
OPERATIONS(percpu_hash, PERCPU_HASH)
OPERATIONS(lru_hash, LRU_HASH)
OPERATIONS(lru_percpu_hash, LRU_PERCPU_HASH)
