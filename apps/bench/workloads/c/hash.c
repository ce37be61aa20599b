#include "bench.h"

#ifdef NATIVE
/* The table of @bpfkit/maps, in C. */
struct entry {
	struct entry *next;
	u32 hash, key;
	u64 value;
};
static struct entry entries[256], *buckets[256];

static u32 hash_of(u32 key)
{
	u32 h = key * 0x85ebca6b;

	h = (h ^ (h >> 15)) * 0xc2b2ae35;
	return h ^ (h >> 16);
}

__attribute__((constructor)) static void fill(void)
{
	for (u32 i = 0; i < 256; i++) {
		struct entry *e = &entries[i], **bucket;

		e->key = i * 13;
		e->hash = hash_of(e->key);
		bucket = &buckets[e->hash & 255];
		e->next = *bucket;
		*bucket = e;
	}
}

noinline u64 *lookup(u32 *key)
{
	u32 hash = hash_of(*key);

	for (struct entry *e = buckets[hash & 255]; e; e = e->next)
		if (e->hash == hash && e->key == *key)
			return &e->value;
	return 0;
}
#else
MAP(values, 1, u32, u64, 256);
#define lookup(key) ((u64 *)bpf_map_lookup_elem(&values, key))
#endif

/* 1,000 lookups in a hash table that is full; every other key is there. */
ENTRY int entry(context *c)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < 1000; i++) {
		opaque(i);
		u32 key = (i & 511) * 13;
		u64 *value = lookup(&key);

		if (value)
			sum += *value + i;
	}
	return sum;
}
