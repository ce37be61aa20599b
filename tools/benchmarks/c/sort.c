#include "bench.h"

ENTRY int entry(context *c)
{
	u32 values[32], i, j, seed = 12345, result = 0;

	for (i = 0; i < 32; i++) {
		opaque(i);
		seed = seed * 1103515245 + 12345;
		values[i & 31] = seed >> 8;
	}
	for (i = 1; i < 32; i++) {
		opaque(i);
		u32 value = values[i & 31];

		for (j = i; j > 0 && j < 32; j--) {
			opaque(j);
			u32 below = values[(j - 1) & 31];

			if (below <= value)
				break;
			values[j & 31] = below;
		}
		values[j & 31] = value;
	}
	for (i = 0; i < 32; i++)
		result = result * 31 + values[i];
	return result;
}
