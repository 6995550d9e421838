/* SPDX-License-Identifier: GPL-2.0-only */
/* Which flow is a packet of? Inline as far as every packet asks. */
#ifndef _XFRM_XDP_FIND_H
#define _XFRM_XDP_FIND_H

#include "xfrm_xdp.h"

/**
 * struct xfrm_xdp_last - the flow that a packet of this CPU had last
 * @flow: the flow; may be freed where &xfrm_xdp_net.unlinked of its namespace is not @unlinked
 *	any more
 * @handle: of it
 * @unlinked: the count from before it was looked for
 */
struct xfrm_xdp_last {
	struct xfrm_xdp_flow *flow;
	u64 handle;
	u64 unlinked;
};

/* Of each sort of packet the last: a gateway's CPU may have all in turn. */
enum xfrm_xdp_last_of {
	XFRM_XDP_LAST_CLEAR,
	XFRM_XDP_LAST_ESP,
	XFRM_XDP_LAST_DECRYPTED,
	XFRM_XDP_LAST_SORTS
};

DECLARE_PER_CPU(struct xfrm_xdp_last [XFRM_XDP_LAST_SORTS], xfrm_xdp_last);

static __always_inline enum xfrm_xdp_last_of xfrm_xdp_last_of(u64 sa, bool esp)
{
	return sa ? XFRM_XDP_LAST_DECRYPTED : esp ? XFRM_XDP_LAST_ESP : XFRM_XDP_LAST_CLEAR;
}

struct xfrm_xdp_flow *xfrm_xdp_last_still(struct xfrm_xdp_net *xn, struct xfrm_xdp_last *last);
struct xfrm_xdp_flow *
xfrm_xdp_find_other(struct xfrm_xdp_net *xn, const struct xfrm_xdp_pkt *pkt, u32 ifindex,
		    u64 sa, bool esp);

/**
 * xfrm_xdp_find() - find the flow of a packet, in a per-CPU cache of one entry first
 * @xn: of its namespace
 * @pkt: the packet
 * @ifindex: device of the stack that receives it
 * @sa: handle of the SA that has decrypted it, 0 for none
 *
 * Context: XDP: BH off, RCU read side.
 * Return: the flow or NULL.
 */
static __always_inline struct xfrm_xdp_flow *
xfrm_xdp_find(struct xfrm_xdp_net *xn, const struct xfrm_xdp_pkt *pkt, u32 ifindex, u64 sa)
{
	/* To that port goes ESP for this host as well as what others forward by UDP. */
	bool esp = !sa && (pkt->proto == IPPROTO_ESP ||
			   (pkt->ports & htonl(U16_MAX)) == htonl(XFRM_XDP_NATT_PORT));
	struct xfrm_xdp_last *last = this_cpu_ptr(&xfrm_xdp_last[xfrm_xdp_last_of(sa, esp)]);
	struct xfrm_xdp_flow *flow = last->flow;

	/* No two namespaces have the same count: the flow is of this one where it has not moved. */
	if (unlikely(last->unlinked != READ_ONCE(xn->unlinked)))
		flow = xfrm_xdp_last_still(xn, last);
	if (likely(flow && flow->key.ifindex == ifindex && flow->key.sa == sa &&
		   xfrm_xdp_pkt_is(pkt, &flow->key)))
		return flow;
	return xfrm_xdp_find_other(xn, pkt, ifindex, sa, esp);
}

#endif /* _XFRM_XDP_FIND_H */
