// SPDX-License-Identifier: GPL-2.0-only
/*
 * Next hops. Neighbour tables are bounded for the whole host, and a reference keeps an entry
 * from being reclaimed by neigh_forced_gc(): so flows hold none, and copy the address.
 */

#include <net/arp.h>
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>
#include "xfrm_xdp.h"

/* dst_neigh_lookup() that makes no entry and takes no reference. */
static struct neighbour *xfrm_xdp_neigh_find(const struct dst_entry *path,
					     const xfrm_address_t *daddr)
{
	struct net_device *dev = READ_ONCE(path->dev);
	const struct rtable *rt;

	if (path->ops->family == AF_INET6)
		return __ipv6_neigh_lookup_noref(dev, rt6_nexthop(dst_rt6_info(path), &daddr->in6));
	rt = dst_rtable(path);
	if (rt->rt_gw_family == AF_INET6)
		return __ipv6_neigh_lookup_noref(dev, &rt->rt_gw6);
	return __ipv4_neigh_lookup_noref(dev, rt->rt_gw_family == AF_INET ?
					 (__force u32)rt->rt_gw4 : (__force u32)daddr->a4);
}

/**
 * xfrm_xdp_neigh_copy() - copy the link-layer address of a next hop
 * @path: route, no bundle
 * @daddr: destination by that route
 * @mac: result: ETH_ALEN bytes
 *
 * Follows neigh_resolve_output(): drives the state machine of the neighbour, as a packet
 * to it does, so that one that has gone is noticed.
 *
 * Context: BH off, RCU read side.
 * Return: false where the address is not known: the stack resolves it.
 */
bool xfrm_xdp_neigh_copy(const struct dst_entry *path, const xfrm_address_t *daddr, u8 *mac)
{
	struct neighbour *neigh = xfrm_xdp_neigh_find(path, daddr);
	unsigned int seq;

	if (!neigh || READ_ONCE(neigh->dead) || !(READ_ONCE(neigh->nud_state) & NUD_VALID))
		return false;
	neigh_event_send(neigh, NULL);
	/* neigh_ha_snapshot() of a device that is known to be Ethernet */
	do {
		seq = read_seqbegin(&neigh->ha_lock);
		ether_addr_copy(mac, neigh->ha);
	} while (read_seqretry(&neigh->ha_lock, seq));
	return true;
}
