#include "program.h"

/* Some thirty instructions, as a small parser or hash step has. */
inlined u64 step(u64 x, u64 y)
{
	opaque(x);
	x ^= y << 5;
	x += x >> 11;
	x *= 0x01000193;
	x ^= x >> 17;
	if (x & 0x100)
		x += y * 3;
	else
		x -= y ^ 0x55;
	x ^= x << 9;
	x += y;
	x ^= x >> 23;
	x *= 0x85ebca6b;
	x ^= x >> 13;
	return x;
}

noinline u64 called(u64 x, u64 y)
{
	return step(x, y);
}

#define TIMES_1(f) x = f(x, i);
#define TIMES_2(f) TIMES_1(f) TIMES_1(f)
#define TIMES_4(f) TIMES_2(f) TIMES_2(f)
#define TIMES_8(f) TIMES_4(f) TIMES_4(f)
#define TIMES_16(f) TIMES_8(f) TIMES_8(f)
#define TIMES_32(f) TIMES_16(f) TIMES_16(f)
#define TIMES_64(f) TIMES_32(f) TIMES_32(f)

/* The same 640 steps, at so many places in the code. */
#define PROGRAM(NAME, SITES, f) \
	SECTION("xdp") int NAME##_##SITES(context *c) \
	{ \
		u64 x = 1, i; \
		for (i = 0; i < 640 / SITES; i++) { \
			opaque(i); \
			TIMES_##SITES(f) \
		} \
		return x; \
	}

#define SITES(N) \
	PROGRAM(inlined, N, step) \
	PROGRAM(called, N, called)

SITES(1)
SITES(2)
SITES(4)
SITES(8)
SITES(16)
SITES(32)
SITES(64)
