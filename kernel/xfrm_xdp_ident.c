// SPDX-License-Identifier: GPL-2.0-only
/* What is not inline of the IDs of outer IPv4 headers (xfrm_xdp_ident.h): reserving them. */

#include "xfrm_xdp_ident.h"

/*
 * Reserved at once, at most: twice as many each time, for what another pair displaces is
 * lost, and no more than half of a pair's may be.
 */
#define XFRM_XDP_IDENTS		64

/* Allocated: modules share 8 KiB of static per-CPU memory. */
struct xfrm_xdp_idents __percpu *xfrm_xdp_idents;

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

int __init xfrm_xdp_ident_init(void)
{
	xfrm_xdp_idents = __alloc_percpu(sizeof(*xfrm_xdp_idents) << XFRM_XDP_IDENT_BITS,
					 __alignof__(*xfrm_xdp_idents));
	return xfrm_xdp_idents ? 0 : -ENOMEM;
}

void xfrm_xdp_ident_exit(void)
{
	free_percpu(xfrm_xdp_idents);
}
