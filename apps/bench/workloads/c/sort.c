#include "bench.h"

ENTRY int entry(context *c)
{
	u32 values[16], i, j, seed = 12345, result = 0;

	for (i = 0; i < 16; i++) {
		opaque(i);
		seed = seed * 1103515245 + 12345;
		values[i & 15] = seed >> 8;
	}
	for (i = 1; i < 16; i++) {
		opaque(i);
		u32 value = values[i & 15];

		for (j = i; j > 0 && j < 16; j--) {
			opaque(j);
			u32 below = values[(j - 1) & 15];

			if (below <= value)
				break;
			values[j & 15] = below;
		}
		values[j & 15] = value;
	}
	for (i = 0; i < 16; i++)
		result = result * 31 + values[i];
	return result;
}
