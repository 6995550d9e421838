// SPDX-License-Identifier: GPL-2.0-only
/* What is not inline of finding the flow of a packet (xfrm_xdp_find.h): by the table. */

#include "xfrm_xdp_find.h"

DEFINE_PER_CPU(struct xfrm_xdp_last [XFRM_XDP_LAST_SORTS], xfrm_xdp_last);

/* The flow of ESP in UDP, where it is that. */
static struct xfrm_xdp_flow *xfrm_xdp_find_encap(struct xfrm_xdp_net *xn,
						 const struct xfrm_xdp_sought *udp,
						 const struct xfrm_xdp_pkt *pkt)
{
	struct xfrm_xdp_sought sought = *udp;

	sought.kind = XFRM_XDP_FLOW_SA;
	sought.proto = IPPROTO_ESP;
	sought.spi = xfrm_xdp_encap_spi(pkt);
	sought.more = (__force u32)pkt->ports;
	return sought.spi ? xfrm_xdp_flow_seek(xn, &sought) : NULL;
}

/**
 * xfrm_xdp_last_still() - look up the cached flow again, after another was unlinked
 * @xn: of the packet's namespace; the flow may be of another
 * @last: of this CPU
 *
 * Context: XDP: BH off, RCU read side.
 * Return: the flow or NULL.
 */
struct xfrm_xdp_flow *xfrm_xdp_last_still(struct xfrm_xdp_net *xn, struct xfrm_xdp_last *last)
{
	/* Before it is looked for: xfrm_xdp_flow_unlink() counts after it took one out. */
	u64 unlinked = smp_load_acquire(&xn->unlinked);
	struct xfrm_xdp_flow *flow = xfrm_xdp_flow_get(xn, last->handle);

	if (flow)
		last->unlinked = unlinked;
	return flow;
}

/**
 * xfrm_xdp_find_other() - xfrm_xdp_find() of what is not of the flow of the last
 * @xn: as there
 * @pkt: as there
 * @ifindex: as there
 * @sa: as there
 * @esp: may it be the packet of an SA?
 *
 * Context: XDP: BH off, RCU read side.
 * Return: the flow or NULL.
 */
struct xfrm_xdp_flow *
xfrm_xdp_find_other(struct xfrm_xdp_net *xn, const struct xfrm_xdp_pkt *pkt, u32 ifindex,
		    u64 sa, bool esp)
{
	/* As in xfrm_xdp_last_still(). */
	u64 unlinked = smp_load_acquire(&xn->unlinked);
	bool plain = pkt->proto != IPPROTO_ESP;
	const struct xfrm_xdp_sought sought = {
		.saddr = xfrm_xdp_pkt_saddr(pkt)->a6,
		.daddr = xfrm_xdp_pkt_daddr(pkt)->a6,
		.sa = sa,
		.ifindex = ifindex,
		.spi = pkt->ports,
		.more = plain ? pkt->tos & XFRM_XDP_DSCP_MASK : 0,
		.vlan = pkt->vlan,
		.family = pkt->family,
		.proto = pkt->proto,
		.kind = plain || sa ? XFRM_XDP_FLOW_FORWARD : XFRM_XDP_FLOW_SA,
	};
	struct xfrm_xdp_flow *flow = NULL;
	struct xfrm_xdp_last *last;

	if (esp && plain)
		flow = xfrm_xdp_find_encap(xn, &sought, pkt);
	if (!flow)
		flow = xfrm_xdp_flow_seek(xn, &sought);
	if (flow) {
		esp = flow->kind == XFRM_XDP_FLOW_SA;
		last = this_cpu_ptr(&xfrm_xdp_last[xfrm_xdp_last_of(sa, esp)]);
		last->flow = flow;
		last->handle = flow->handle;
		last->unlinked = unlinked;
	}
	return flow;
}
