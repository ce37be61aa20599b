#include "bench.h"

ENTRY int entry(context *c)
{
	u64 a = 1, b = 0x9e3779b97f4a7c15, i;

	for (i = 0; i < 4000; i++) {
		opaque(i);
		a += b;
		b ^= a << 13;
		b ^= b >> 7;
		a = a * 5 + i;
	}
	return a ^ b;
}
