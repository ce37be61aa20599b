#include "bench.h"

struct ethernet {
	u8 to[6], from[6];
	u16 type;
} __attribute__((packed));
struct ipv4 {
	u8 version_length, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u32 from, to;
} __attribute__((packed));
struct udp {
	u16 from, to, length, checksum;
} __attribute__((packed));

ENTRY int entry(context *c)
{
	u8 *data = DATA(c), *end = DATA_END(c);
	struct ethernet *eth = (void *)data;
	struct ipv4 *ip = (void *)(eth + 1);
	struct udp *udp = (void *)(ip + 1);

	if ((u8 *)(udp + 1) > end)
		return 1;
	if (eth->type != 0x0008)
		return 2;
	if ((ip->version_length & 0xf) != 5 || ip->ttl == 0)
		return 1;
	if (ip->protocol != 17)
		return 2;
	if (udp->to == 0x3500 || (ip->to & 0xff) == 127)
		return 1;
	return 2 + ((ip->from ^ ip->to ^ udp->from) & 1);
}
