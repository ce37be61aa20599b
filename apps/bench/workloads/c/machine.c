#include "bench.h"

ENTRY int entry(context *c)
{
	u8 *data = DATA(c), *end = DATA_END(c);
	u32 state = 0, words = 0, digits = 0, i;

	for (i = 0; i < 1500; i++) {
		opaque(i);
		u8 *byte = data + i, b;

		if (byte + 1 > end)
			break;
		b = *byte;
		switch (state) {
		case 0:
			if (b >= 'a' && b <= 'z') {
				state = 1;
				words++;
			} else if (b >= '0' && b <= '9') {
				state = 2;
				digits++;
			}
			break;
		case 1:
			if (b < 'a' || b > 'z')
				state = b == '-' ? 3 : 0;
			break;
		case 2:
			digits++;
			if (b < '0' || b > '9')
				state = 0;
			break;
		default:
			state = b == '\n' ? 0 : 3;
		}
	}
	return words * 1000 + digits + state;
}
