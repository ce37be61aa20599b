#include "bench.h"

ENTRY int entry(context *c)
{
	u8 *data = DATA(c), *end = DATA_END(c);
	u32 hash = 0x811c9dc5, i;

	for (i = 0; i < 1500; i++) {
		opaque(i);
		u8 *byte = data + i;

		if (byte + 1 > end)
			break;
		hash = (hash ^ *byte) * 0x01000193;
	}
	return hash;
}
