#include "bench.h"

ENTRY int entry(context *c)
{
	u64 a = 0xfedcba9876543210, sum = 0, i;
	u32 b = 7, s = 0;

	for (i = 1; i < 1000; i++) {
		opaque(i);
		sum += a / (i + 1) + a % 10 + a / 1000;
		b = b * 1664525 + 1013904223;
		s += b % 60 + b / 7;
		a ^= sum;
	}
	return sum ^ s;
}
