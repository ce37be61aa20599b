#include "program.h"

/* A firewall as they grow: headers with options walked one by one, rules by table and by code. Made to verify. */

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
struct ports {
	u16 from, to;
	u32 sequence, acknowledged;
	u16 offset_flags, window, checksum, urgent;
} __attribute__((packed));
struct flow {
	u32 from, to;
	u16 from_port, to_port;
	u32 protocol;
};
struct state {
	u64 packets, bytes;
	u32 score, seen;
};

MAP(flows, 1, struct flow, struct state, 1024);
MAP(rules, 2, u32, u64, 64);

#define DROP 1
#define PASS 2

/* One option of a TCP header: 0 at the end of them. */
inlined u32 option(u8 **at, u8 *end, u32 wanted, u32 *score)
{
	u8 *option = *at;

	if (option + 2 > end || option[0] == 0)
		return 0;
	if (option[0] == 1) {
		*at = option + 1;
		return 1;
	}
	if (option[0] == wanted)
		*score += option[1];
	if (option[1] < 2 || option[1] > 12)
		return 0;
	*at = option + option[1];
	return 1;
}

/* Up to four options. */
inlined u32 options(u8 *at, u8 *end, u32 wanted)
{
	u32 score = 0;

#define NEXT && option(&at, end, wanted, &score)
	(void)(1 NEXT NEXT NEXT NEXT);
	return score;
}

inlined u32 rule(struct flow *flow, u32 index, u32 score)
{
	u64 *mask = bpf_map_lookup_elem(&rules, &index);

	if (!mask)
		return score;
	if ((*mask & 0xffff) == flow->to_port)
		score += 10;
	if ((*mask >> 16 & 0xffff) == flow->from_port)
		score += 5;
	if ((*mask >> 32) == flow->from)
		score ^= 3;
	return score;
}

SECTION("xdp") int firewall(context *c)
{
	u8 *data = (u8 *)(long)c->data, *end = (u8 *)(long)c->data_end;
	struct ethernet *eth = (void *)data;
	struct ipv4 *ip = (void *)(eth + 1);
	struct ports *tcp = (void *)(ip + 1);
	struct flow flow = {};
	u32 score = 0;

	if ((u8 *)(tcp + 1) > end)
		return PASS;
	if (eth->type != 0x0008 || ip->protocol != 6)
		return PASS;
	flow.from = ip->from;
	flow.to = ip->to;
	flow.from_port = tcp->from;
	flow.to_port = tcp->to;
	flow.protocol = ip->protocol;
	score = tcp->sequence + options((u8 *)(tcp + 1), end, 2);
#pragma unroll
	for (u32 i = 0; i < 64; i++)
		score = rule(&flow, i, score);
	struct state *state = bpf_map_lookup_elem(&flows, &flow);

	if (state) {
		state->packets++;
		state->bytes += end - data;
		state->score += score;
		if (state->score > 1000)
			return DROP;
	} else {
		struct state first = { 1, end - data, score, 0 };

		bpf_map_update_elem(&flows, &flow, &first, 0);
	}
	return score & 1 ? DROP : PASS;
}
