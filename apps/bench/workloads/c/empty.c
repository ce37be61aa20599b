#include "bench.h"

ENTRY int entry(context *c)
{
	return 2;
}
