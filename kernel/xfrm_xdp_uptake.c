// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detect that the tc program that restores sec_paths was detached. Without its sec_path the
 * policy refuses what XDP has decrypted. So where the program has gone from a device, ESP is
 * left to the stack, as if there were no XDP. Where it never ran, another program may
 * look at the metadata, and nothing is assumed.
 */

#include <linux/jiffies.h>
#include <net/sch_generic.h>
#include "xfrm_xdp.h"

/* So long a packet may be on its way from XDP to tc, in jiffies: a second. */
#define XFRM_XDP_RESTORE_PATIENCE	HZ

/*
 * The program ran, and yet nothing was restored: packets were lost on their way, or another
 * program comes before it. So often this is tried again, in jiffies.
 */
#define XFRM_XDP_RESTORE_RETRY		(30 * HZ)

/**
 * xfrm_xdp_uptake_wanted() - a packet goes up the stack with metadata
 * @dev: device that received it
 * @sa: handle of the SA that decrypted it
 *
 * Context: XDP.
 */
void xfrm_xdp_uptake_wanted(const struct net_device *dev, u64 sa)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net_rcu(dev_net(dev));
	struct xfrm_xdp_port *port = xfrm_xdp_port_get(xn, dev->ifindex);
	struct xfrm_xdp_flow *flow = xfrm_xdp_flow_get(xn, sa);

	if (port && !READ_ONCE(port->wanted))
		WRITE_ONCE(port->wanted, jiffies ?: 1);
	if (flow && !READ_ONCE(flow->handed))
		WRITE_ONCE(flow->handed, true);
}

/**
 * xfrm_xdp_uptake_seen() - bpf_skb_xfrm_restore() looks at a packet, with metadata or without
 * @skb: the packet
 *
 * Context: softirq, or BH off; RCU read side.
 */
void xfrm_xdp_uptake_seen(const struct sk_buff *skb)
{
	struct xfrm_xdp_port *port;
	unsigned long now = jiffies ?: 1;

	if (!skb_at_tc_ingress(skb))
		return;
	port = xfrm_xdp_port_get(xfrm_xdp_net(dev_net(skb->dev)), skb->dev->ifindex);
	/* Seldom written: all CPUs that receive from the device may look at it. */
	if (port && READ_ONCE(port->restorer_ran) != now)
		WRITE_ONCE(port->restorer_ran, now);
}

/**
 * xfrm_xdp_uptake_done() - a packet got its sec_path
 * @dev: device that received it
 *
 * Context: RCU read side.
 */
void xfrm_xdp_uptake_done(const struct net_device *dev)
{
	struct xfrm_xdp_port *port = xfrm_xdp_port_find(xfrm_xdp_net(dev_net(dev)), dev->ifindex);

	if (port && READ_ONCE(port->wanted))
		WRITE_ONCE(port->wanted, 0);
}

/**
 * xfrm_xdp_uptake_forget() - other programs are going to be attached
 * @xn: of the namespace
 *
 * Context: any.
 */
void xfrm_xdp_uptake_forget(struct xfrm_xdp_net *xn)
{
	struct xfrm_xdp_port *port;
	unsigned long ifindex;

	rcu_read_lock();
	xa_for_each(&xn->ports, ifindex, port) {
		WRITE_ONCE(port->wanted, 0);
		WRITE_ONCE(port->restorer_ran, 0);
		WRITE_ONCE(port->retry, 0);
	}
	rcu_read_unlock();
}

/**
 * xfrm_xdp_uptake_ends() - tell whether what this SA decrypts would not be restored
 * @xn: of the namespace
 * @flow: of the SA, with &xfrm_xdp_flow.handed
 * @dev: device that receives its ESP
 *
 * Packets that are left to the stack pass tc as well: a program that is back is seen.
 *
 * Context: XDP.
 */
bool xfrm_xdp_uptake_ends(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow,
			  const struct net_device *dev)
{
	struct xfrm_xdp_port *port = xfrm_xdp_port_find(xn, dev->ifindex);
	unsigned long wanted = port ? READ_ONCE(port->wanted) : 0;
	unsigned long ran = port ? READ_ONCE(port->restorer_ran) : 0;

	if (wanted && ran) {
		if (!time_after(jiffies, wanted + XFRM_XDP_RESTORE_PATIENCE))
			return false;
		if (!time_after(ran, wanted) || time_before(jiffies, READ_ONCE(port->retry)))
			return true;
		WRITE_ONCE(port->retry, jiffies + XFRM_XDP_RESTORE_RETRY);
		WRITE_ONCE(port->wanted, 0);
	}
	WRITE_ONCE(flow->handed, false);
	return false;
}
