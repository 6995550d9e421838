// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is what a flow leaves by still valid? dst_check() says so; of an SA bundle it asks
 * every route in it for its MTU, too, by pointer. Here the usual case of a bundle, one
 * SA between IPv4 routes where nothing moved, is seen from the fields that decide. All
 * else is dst_check()'s.
 */

#include <net/dst.h>
#include <net/ip.h>
#include <net/route.h>
#include "xfrm_xdp.h"

/*
 * Would ipv4_dst_check() take the route, and ipv4_mtu() say @mtu? A path MTU that was
 * learned expires by time: not here.
 */
static inline bool xfrm_xdp_route_holds(const struct dst_entry *dst, u32 mtu)
{
	const struct rtable *rt = dst_rtable(dst);
	const struct net_device *dev = READ_ONCE(dst->dev);

	return dst->ops->family == AF_INET &&
	       dst->obsolete == DST_OBSOLETE_FORCE_CHK &&
	       rt->rt_genid == rt_genid_ipv4(dev_net(dev)) &&
	       !rt->rt_pmtu && !ip_mtu_locked(dst) && !dst->lwtstate &&
	       (dst_metric_raw(dst, RTAX_MTU) ?: READ_ONCE(dev->mtu)) == mtu;
}

/* xfrm_bundle_ok() where nothing is to be brought up to date. */
static inline bool xfrm_xdp_bundle_holds(const struct dst_entry *dst)
{
	const struct xfrm_dst *xdst = (const struct xfrm_dst *)dst;
	const struct xfrm_state *x = dst->xfrm;

	return dst->obsolete < 0 && !(dst->flags & DST_XFRM_QUEUE) &&
	       xdst->child == xdst->path &&
	       (!dst->dev || netif_running(dst->dev)) &&
	       READ_ONCE(x->km.state) == XFRM_STATE_VALID &&
	       xdst->xfrm_genid == x->genid &&
	       (xdst->num_pols <= 0 ||
		xdst->policy_genid == atomic_read(&xdst->pols[0]->genid)) &&
	       xfrm_xdp_route_holds(xdst->child, xdst->child_mtu_cached) &&
	       xfrm_xdp_route_holds(xdst->route, xdst->route_mtu_cached);
}

/**
 * xfrm_xdp_dst_holds() - dst_check(), and of a bundle that its MTUs are up to date
 * @dst: route or bundle
 * @cookie: of it, from when it was learned
 *
 * Context: softirq, or BH off; RCU read side.
 */
bool xfrm_xdp_dst_holds(struct dst_entry *dst, u32 cookie)
{
	if (dst->xfrm && likely(xfrm_xdp_bundle_holds(dst)))
		return true;
	return dst_check(dst, cookie);
}
