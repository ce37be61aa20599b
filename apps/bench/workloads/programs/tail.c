#include "program.h"

MAP(programs, 3, u32, u32, 4);

/* Slot 0. */
SECTION("xdp") int target(context *c)
{
	return 42;
}

/* One tail call. */
SECTION("xdp") int once(context *c)
{
	bpf_tail_call(c, &programs, 0);
	return 1;
}

/* Slot 1: calls itself until all 33 tail calls are used up. */
SECTION("xdp") int chain(context *c)
{
	bpf_tail_call(c, &programs, 1);
	return 33;
}

noinline int jumps(context *c)
{
	opaque(c);
	bpf_tail_call(c, &programs, 0);
	return 1;
}

/* Sixteen calls, each of which ends in a tail call. */
SECTION("xdp") int mixed(context *c)
{
	u32 sum = 0, i;

	for (i = 0; i < 16; i++) {
		opaque(i);
		sum += jumps(c);
	}
	return sum;
}
