#include "bench.h"

ENTRY int entry(context *c)
{
	u8 *data = DATA(c), *end = DATA_END(c);
	u32 sum = 0, i;

	for (i = 0; i < 1500; i++) {
		opaque(i);
		u16 *word = (u16 *)(data + i * 2);

		if ((u8 *)(word + 1) > end)
			break;
		sum += *word;
	}
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return ~sum & 0xffff;
}
