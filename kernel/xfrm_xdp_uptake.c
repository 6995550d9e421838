// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there still a tc program that takes up what XDP hands up? Without its sec_path the
 * policy refuses what XDP has decrypted. So where the program has gone from a device, ESP is
 * the stack's to decrypt, as if there were no XDP. Where it never ran, somebody else may
 * look at the metadata, and nothing is assumed.
 */

#include <linux/hash.h>
#include <linux/jiffies.h>
#include <net/sch_generic.h>
#include "xfrm_xdp.h"

/* So long a packet may be on its way from XDP to tc, in jiffies: a second. */
#define XFRM_XDP_UPTAKE_PATIENCE	HZ

/*
 * The program ran, and yet nothing was taken up: packets were lost on their way, or somebody
 * comes before it. So often this is tried again, in jiffies.
 */
#define XFRM_XDP_UPTAKE_RETRY		(30 * HZ)

/* Two devices of one hash share it: what one of them takes up passes for both. */
static struct xfrm_xdp_uptake *xfrm_xdp_uptake_of(const struct net_device *dev)
{
	struct xfrm_xdp_uptake *uptake = xfrm_xdp_net(dev_net(dev))->uptake;

	return &uptake[hash_32(dev->ifindex, XFRM_XDP_DEVICE_BITS)];
}

/**
 * xfrm_xdp_uptake_wanted() - a packet goes up the stack with metadata
 * @dev: device that received it
 * @sa: handle of the SA that decrypted it
 *
 * Context: XDP.
 */
void xfrm_xdp_uptake_wanted(const struct net_device *dev, u64 sa)
{
	struct xfrm_xdp_uptake *uptake = xfrm_xdp_uptake_of(dev);
	struct xfrm_xdp_flow *flow = xfrm_xdp_flow_get(sa);

	if (!READ_ONCE(uptake->wanted))
		WRITE_ONCE(uptake->wanted, jiffies ?: 1);
	if (flow && !READ_ONCE(flow->handed))
		WRITE_ONCE(flow->handed, true);
}

/**
 * xfrm_xdp_uptake_seen() - bpf_skb_xfrm_restore() looks at a packet, with metadata or without
 * @skb: the packet
 *
 * Context: any.
 */
void xfrm_xdp_uptake_seen(const struct sk_buff *skb)
{
	struct xfrm_xdp_uptake *uptake = xfrm_xdp_uptake_of(skb->dev);
	unsigned long now = jiffies ?: 1;

	/* Seldom written: all CPUs that receive from the device may look at it. */
	if (skb_at_tc_ingress(skb) && READ_ONCE(uptake->seen) != now)
		WRITE_ONCE(uptake->seen, now);
}

/**
 * xfrm_xdp_uptake_done() - a packet got its sec_path
 * @dev: device that received it
 *
 * Context: any.
 */
void xfrm_xdp_uptake_done(const struct net_device *dev)
{
	struct xfrm_xdp_uptake *uptake = xfrm_xdp_uptake_of(dev);

	if (READ_ONCE(uptake->wanted))
		WRITE_ONCE(uptake->wanted, 0);
}

/**
 * xfrm_xdp_uptake_forget() - other programs are going to be attached
 * @net: namespace
 *
 * Context: any.
 */
void xfrm_xdp_uptake_forget(const struct net *net)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(net);

	memset(xn->uptake, 0, sizeof(xn->uptake));
}

/**
 * xfrm_xdp_uptake_ends() - would nobody take up what this SA decrypts?
 * @flow: of the SA, with &xfrm_xdp_flow.handed
 * @dev: device that receives its ESP
 *
 * What is the stack's for that passes tc, too: where the program is back, it is seen.
 *
 * Context: XDP.
 */
bool xfrm_xdp_uptake_ends(struct xfrm_xdp_flow *flow, const struct net_device *dev)
{
	struct xfrm_xdp_uptake *uptake = xfrm_xdp_uptake_of(dev);
	unsigned long wanted = READ_ONCE(uptake->wanted), seen = READ_ONCE(uptake->seen);

	if (wanted && seen) {
		if (!time_after(jiffies, wanted + XFRM_XDP_UPTAKE_PATIENCE))
			return false;
		if (!time_after(seen, wanted) || time_before(jiffies, READ_ONCE(uptake->retry)))
			return true;
		WRITE_ONCE(uptake->retry, jiffies + XFRM_XDP_UPTAKE_RETRY);
		WRITE_ONCE(uptake->wanted, 0);
	}
	WRITE_ONCE(flow->handed, false);
	return false;
}
