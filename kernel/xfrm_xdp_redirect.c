// SPDX-License-Identifier: GPL-2.0-only
/* Redirects of IPv6: packets that have the stack tell their sender of a better next hop. */

#include <net/ip6_route.h>
#include <net/ndisc.h>
#include "xfrm_xdp.h"

/* Without gateway, or on the way to one that ndisc_send_redirect() may name. */
static bool xfrm_xdp_redirect_target(const struct rt6_info *rt, const struct in6_addr *daddr)
{
	return !(rt->rt6i_flags & RTF_GATEWAY) || ipv6_addr_equal(daddr, &rt->rt6i_gateway) ||
	       ipv6_addr_type(&rt->rt6i_gateway) == (IPV6_ADDR_UNICAST | IPV6_ADDR_LINKLOCAL);
}

/**
 * xfrm_xdp_redirected6() - ip6_forward() sends redirects because of such packets
 * @net: namespace
 * @dev: that the packet was received and is sent by, not by an SA
 * @skb: the packet, of IPv6, with the route or bundle that it leaves by
 *
 * ip6_forward() has no flag for it. It tells neighbours only, and so it is the route to the
 * sender that decides. A bundle has no gateway, whatever its routes have: then the
 * destination itself would be the target. Rate limits, and a device that has no link-local
 * address yet, are not looked at.
 *
 * Context: BH off; RCU read side; when a flow is learned.
 */
bool xfrm_xdp_redirected6(struct net *net, const struct net_device *dev,
			  const struct sk_buff *skb)
{
	struct flowi6 fl6 = {
		.flowi6_oif = dev->ifindex,
		.flowi6_proto = IPPROTO_ICMPV6,
		.fl6_icmp_type = NDISC_REDIRECT,
		.daddr = ipv6_hdr(skb)->saddr,
	};
	struct dst_entry *dst;
	bool neighbour;

	if (!xfrm_xdp_redirect_target(dst_rt6_info(skb_dst(skb)), &ipv6_hdr(skb)->daddr))
		return false;
	dst = ip6_route_output(net, NULL, &fl6);
	neighbour = !dst->error && !(dst_rt6_info(dst)->rt6i_flags & RTF_GATEWAY);
	dst_release(dst);
	return neighbour;
}
