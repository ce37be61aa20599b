#include "bench.h"

ENTRY int entry(context *c)
{
	u32 a = 1, b = 0x12345678, i;

	for (i = 0; i < 4000; i++) {
		opaque(i);
		a += b ^ i;
		if (a & 64)
			b = b * 3 + 1;
		else
			b ^= a >> 3;
		if (b > 0x80000000)
			a -= 7;
	}
	return a ^ b;
}
