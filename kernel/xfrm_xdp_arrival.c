// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a packet that leaves the one that arrived? A flow is learned when its packet leaves,
 * and XDP will know it by what arrives: where rules have rewritten it on its way, the
 * two differ, and it would be somebody else's flow. Conntrack's own translations are seen
 * in its entry; this is for all others.
 */

#include <linux/hash.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include "xfrm_xdp.h"

/* A receive batch is noted whole before its first packet leaves: 64 packets. */
#define XFRM_XDP_ARRIVAL_BITS	6
#define XFRM_XDP_ARRIVAL_WAYS	4

/**
 * struct xfrm_xdp_arrivals - packets that arrived on this CPU lately, of one hash
 * @note: the last ones
 * @note.skb: the packet; compared, never dereferenced
 * @note.tuple: hash of what it looked like
 * @next: the one to be overwritten
 *
 * From PRE_ROUTING to POST_ROUTING a packet stays on its CPU. One that is not found is
 * not learned.
 */
struct xfrm_xdp_arrivals {
	struct {
		const struct sk_buff *skb;
		u64 tuple;
	} note[XFRM_XDP_ARRIVAL_WAYS];
	unsigned int next;
};

/* Allocated: modules share 8 KiB of static per-CPU memory. */
static struct xfrm_xdp_arrivals __percpu *xfrm_xdp_arrivals;

static struct xfrm_xdp_arrivals *xfrm_xdp_arrivals_of(const struct sk_buff *skb)
{
	return this_cpu_ptr(xfrm_xdp_arrivals) + hash_ptr(skb, XFRM_XDP_ARRIVAL_BITS);
}

/*
 * All by which XDP knows a flow but where it came in; the hop limit; and what the stack decides
 * by: an SA that comes before the packet has left moves no generation id of its route.
 */
static u64 xfrm_xdp_arrival_tuple(const struct xfrm_xdp_pkt *pkt, u8 ttl, u32 gens)
{
	struct xfrm_xdp_flow_key key;

	xfrm_xdp_pkt_key(&key, pkt, ttl, 0);
	key.vlan = 0;
	return xfrm_xdp_meta_proof(&key) + gens;
}

/**
 * xfrm_xdp_arrival_note() - note what a packet looks like before any rule
 * @state: PRE_ROUTING
 * @skb: the packet
 *
 * Context: BH off.
 */
void xfrm_xdp_arrival_note(const struct nf_hook_state *state, const struct sk_buff *skb)
{
	struct xfrm_xdp_arrivals *set = xfrm_xdp_arrivals_of(skb);
	u8 headers[XFRM_XDP_HEADERS];
	struct xfrm_xdp_pkt pkt = { .vlan = 0 };
	unsigned int i;
	u32 gens;

	/* Of a VRF they come a second time, after the rules of the device. */
	if (!state->in || netif_is_l3_master(state->in))
		return;
	for (i = 0; i < XFRM_XDP_ARRIVAL_WAYS; i++)
		if (set->note[i].skb == skb)
			break;
	if (i == XFRM_XDP_ARRIVAL_WAYS)
		i = set->next++ % XFRM_XDP_ARRIVAL_WAYS;
	set->note[i].skb = NULL;
	if (xfrm_xdp_parse_skb(&pkt, headers, skb))
		return;
	gens = xfrm_xdp_route_gen(state->net, AF_INET6) +
	       atomic_read_acquire(&xfrm_xdp_net(state->net)->policy_gen);
	set->note[i].skb = skb;
	set->note[i].tuple = xfrm_xdp_arrival_tuple(&pkt, pkt.ttl, gens);
}

/**
 * xfrm_xdp_arrival_is() - does a packet leave as it arrived?
 * @skb: the packet at POST_ROUTING, forwarded
 * @pkt: its headers, one hop later
 * @gens: sum of xfrm_xdp_route_gen() of IPv6, for a route of IPv4 keeps its own, and
 *	&xfrm_xdp_net.policy_gen; both only grow
 *
 * Context: BH off.
 */
bool xfrm_xdp_arrival_is(const struct sk_buff *skb, const struct xfrm_xdp_pkt *pkt, u32 gens)
{
	const struct xfrm_xdp_arrivals *set = xfrm_xdp_arrivals_of(skb);
	unsigned int i;

	for (i = 0; i < XFRM_XDP_ARRIVAL_WAYS; i++)
		if (set->note[i].skb == skb)
			return set->note[i].tuple ==
			       xfrm_xdp_arrival_tuple(pkt, pkt->ttl + 1, gens);
	return false;
}

int __init xfrm_xdp_arrival_init(void)
{
	xfrm_xdp_arrivals = __alloc_percpu(sizeof(*xfrm_xdp_arrivals) << XFRM_XDP_ARRIVAL_BITS,
					   __alignof__(*xfrm_xdp_arrivals));
	return xfrm_xdp_arrivals ? 0 : -ENOMEM;
}

void xfrm_xdp_arrival_exit(void)
{
	free_percpu(xfrm_xdp_arrivals);
}
