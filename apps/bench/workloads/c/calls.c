#include "bench.h"

noinline u64 third(u64 x, u64 i);
noinline u64 second(u64 x, u64 i);
noinline u64 first(u64 x, u64 i);
noinline u64 outer(u64 x, u64 i);

/* 8,000 calls, four deep. */
ENTRY int entry(context *c)
{
	u64 sum = 0, i;

	for (i = 0; i < 2000; i++) {
		opaque(i);
		sum += outer(sum, i);
	}
	return sum;
}

noinline u64 outer(u64 x, u64 i)
{
	opaque(x);
	return first(x + 1, i) ^ i;
}

noinline u64 first(u64 x, u64 i)
{
	opaque(x);
	return second(x ^ i, i) + x;
}

noinline u64 second(u64 x, u64 i)
{
	opaque(x);
	return third(x, i + 3) - 5;
}

noinline u64 third(u64 x, u64 i)
{
	opaque(x);
	return x * 3 + i;
}
