// SPDX-License-Identifier: GPL-2.0-only
/* What is not inline of the IDs of outer IPv4 headers (xfrm_xdp_ident.h): reserving them. */

#include "xfrm_xdp_ident.h"

/*
 * Reserved at once, at most: twice as many each time, for what another pair displaces is
 * lost, and no more than half of a pair's may be.
 */
#define XFRM_XDP_IDENTS		64

DEFINE_PER_CPU(struct xfrm_xdp_idents [1 << XFRM_XDP_IDENT_BITS], xfrm_xdp_idents);

/**
 * xfrm_xdp_ident_reserve() - IDs for this header and some to come
 * @ids: where to; of another pair of gateways until now, or used up
 * @net: namespace
 * @iph: the header; its addresses and protocol are there
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_ident_reserve(struct xfrm_xdp_idents *ids, struct net *net, struct iphdr *iph)
{
	if (ids->daddr != iph->daddr || ids->saddr != iph->saddr ||
	    ids->protocol != iph->protocol || ids->net != net) {
		ids->net = net;
		ids->saddr = iph->saddr;
		ids->daddr = iph->daddr;
		ids->protocol = iph->protocol;
		ids->batch = 0;
	}
	ids->batch = clamp(2 * ids->batch, 1, XFRM_XDP_IDENTS);
	__ip_select_ident(net, iph, ids->batch);
	ids->next = ntohs(iph->id);
	ids->left = ids->batch;
}
