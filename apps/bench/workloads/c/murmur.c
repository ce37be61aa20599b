#include "bench.h"

ENTRY int entry(context *c)
{
	u8 *data = DATA(c), *end = DATA_END(c);
	u32 hash = 42, i;

	for (i = 0; i < 375; i++) {
		opaque(i);
		u32 *word = (u32 *)(data + i * 4), k;

		if ((u8 *)(word + 1) > end)
			break;
		k = *word * 0xcc9e2d51;
		k = (k << 15) | (k >> 17);
		hash ^= k * 0x1b873593;
		hash = ((hash << 13) | (hash >> 19)) * 5 + 0xe6546b64;
	}
	hash ^= 1500;
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ (hash >> 16);
}
