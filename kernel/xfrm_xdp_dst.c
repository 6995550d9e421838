// SPDX-License-Identifier: GPL-2.0-only
/* What xfrm_xdp_dst.h leaves to the kernel: is a route or bundle still valid? */

#include <net/ip6_fib.h>
#include "xfrm_xdp_dst.h"

/**
 * xfrm_xdp_dst_cookie() - what xfrm_xdp_dst_valid() wants to see again
 * @dst: route or bundle
 * @routes6: xfrm_xdp_route_gen() of IPv6, of its packet
 *
 * A route of IPv4 knows of every change in its namespace. One of IPv6 knows only of those
 * in its own table, and others may come before that.
 *
 * Context: RCU read side.
 * Return: @routes6 where there is a route of IPv6 in it, else 0.
 */
u32 xfrm_xdp_dst_cookie(const struct dst_entry *dst, u32 routes6)
{
	const struct xfrm_dst *xdst = (const struct xfrm_dst *)dst;

	if (!dst->xfrm)
		return dst->ops->family == AF_INET6 ? routes6 : 0;
	if (xfrm_dst_path(dst)->ops->family == AF_INET6 ||
	    xdst->route->ops->family == AF_INET6)
		return routes6;
	return 0;
}

/**
 * xfrm_xdp_dst_valid() - dst_check(), and that no route of IPv6 has come or gone
 * @dst: route or bundle
 * @cookie: from xfrm_xdp_dst_cookie()
 *
 * Context: softirq, or BH off; RCU read side.
 */
bool xfrm_xdp_dst_valid(struct dst_entry *dst, u32 cookie)
{
	u32 route = 0;

	if (cookie && cookie != xfrm_xdp_route_gen(dev_net(READ_ONCE(dst->dev)), AF_INET6))
		return false;
	/* A bundle keeps the cookies of its parts; that of a route changes with all others. */
	if (!dst->xfrm && dst->ops->family == AF_INET6)
		route = rt6_get_cookie(dst_rt6_info(dst));
	return dst_check(dst, route);
}
