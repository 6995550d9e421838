/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is what a flow leaves by still valid? dst_check() says so; of an SA bundle it asks
 * every route in it for its MTU, too, by pointer. Here the usual cases, an IPv4 route where
 * nothing moved, and a bundle of one SA between such, are seen from the fields that
 * decide. All else is the kernel's to say. Inline, for every packet asks, but for MTUs. A
 * bundle that was learned has one SA and is no queue (xfrm_xdp_learn_route()).
 */
#ifndef _XFRM_XDP_DST_H
#define _XFRM_XDP_DST_H

#include <net/dst.h>
#include <net/ip.h>
#include <net/route.h>
#include "xfrm_xdp.h"

/* Would ipv4_dst_check() take the route, which is one of IPv4? */
static __always_inline bool xfrm_xdp_route_holds(const struct dst_entry *dst)
{
	return dst->obsolete == DST_OBSOLETE_FORCE_CHK &&
	       dst_rtable(dst)->rt_genid == rt_genid_ipv4(dev_net(READ_ONCE(dst->dev)));
}

/*
 * What ipv4_mtu() says of a route, where it needs no more than its metrics and its device;
 * else 0. A path MTU that was learned expires by time: not here.
 */
static __always_inline u32 xfrm_xdp_route_mtu(const struct dst_entry *dst)
{
	const u32 *metrics = DST_METRICS_PTR(dst);

	if (unlikely(dst_rtable(dst)->rt_pmtu || dst_rtable(dst)->rt_mtu_locked ||
		     metrics[RTAX_LOCK - 1] & BIT(RTAX_MTU) || dst->lwtstate))
		return 0;
	return metrics[RTAX_MTU - 1] ?: READ_ONCE(READ_ONCE(dst->dev)->mtu);
}

/*
 * xfrm_bundle_ok() of a bundle of one SA and without IPv6, where nothing is to be brought up
 * to date.
 */
static __always_inline bool xfrm_xdp_bundle_holds(const struct dst_entry *dst)
{
	const struct xfrm_dst *xdst = (const struct xfrm_dst *)dst;
	const struct xfrm_state *x = dst->xfrm;

	return dst->obsolete < 0 && READ_ONCE(x->km.state) == XFRM_STATE_VALID &&
	       xdst->xfrm_genid == x->genid &&
	       (xdst->num_pols <= 0 ||
		xdst->policy_genid == atomic_read(&xdst->pols[0]->genid)) &&
	       xfrm_xdp_route_holds(xdst->child) && xfrm_xdp_route_holds(xdst->route);
}

/**
 * xfrm_xdp_dst_up() - has the device of a bundle, or an MTU on its way, changed?
 * @dst: route or bundle that xfrm_xdp_dst_holds()
 * @cookie: of it, from when it was learned
 *
 * What is brought up to date by dst_check() is so then.
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: false where the bundle is not valid any more.
 */
static inline bool xfrm_xdp_dst_up(struct dst_entry *dst, u32 cookie)
{
	const struct xfrm_dst *xdst = (const struct xfrm_dst *)dst;

	if (!dst->xfrm)
		return true;
	if (!cookie && (!dst->dev || netif_running(dst->dev)) &&
	    xfrm_xdp_route_mtu(xdst->child) == xdst->child_mtu_cached &&
	    xfrm_xdp_route_mtu(xdst->route) == xdst->route_mtu_cached)
		return true;
	return xfrm_xdp_dst_valid(dst, cookie);
}

/**
 * xfrm_xdp_dst_holds() - dst_check(), but for the MTUs of a bundle
 * @dst: route or bundle
 * @cookie: of it, from when it was learned
 *
 * Context: softirq, or BH off; RCU read side.
 */
static __always_inline bool xfrm_xdp_dst_holds(struct dst_entry *dst, u32 cookie)
{
	/* No cookie: there is no route of IPv6 in it. */
	if (likely(!cookie && (dst->xfrm ? xfrm_xdp_bundle_holds(dst) :
					   xfrm_xdp_route_holds(dst))))
		return true;
	return xfrm_xdp_dst_valid(dst, cookie);
}

/**
 * xfrm_xdp_dst_mtu() - dst_mtu() of a route
 * @dst: route, no bundle
 *
 * Context: softirq, or BH off; RCU read side.
 */
static inline u32 xfrm_xdp_dst_mtu(const struct dst_entry *dst)
{
	u32 mtu = dst->ops->family == AF_INET ? xfrm_xdp_route_mtu(dst) : 0;

	return likely(mtu && mtu <= IP_MAX_MTU) ? mtu : dst_mtu(dst);
}

#endif /* _XFRM_XDP_DST_H */
