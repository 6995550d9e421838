// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports: state of the module for a device, found by its ifindex in the namespace. A port is made
 * when the first flow uses the device, or the first fact about the device is noted, and ends
 * with NETDEV_UNREGISTER, which also tells that the device leaves the namespace. It lists the
 * flows that use the device, so that a device that goes down costs as much as its own flows.
 */

#include <linux/netdevice.h>
#include <linux/slab.h>
#include "xfrm_xdp.h"

/* Flows that are unlinked in one hold of the lock. */
#define XFRM_XDP_PURGE_BATCH	64

/**
 * xfrm_xdp_port_find() - find the port of a device
 * @xn: of the device's namespace
 * @ifindex: of the device
 *
 * Context: RCU read side, or xn->lock held.
 * Return: the port, or NULL where nothing is known of the device.
 */
struct xfrm_xdp_port *xfrm_xdp_port_find(struct xfrm_xdp_net *xn, u32 ifindex)
{
	return xa_load(&xn->ports, ifindex);
}

/**
 * xfrm_xdp_port_get() - find the port of a device, or make it
 * @xn: of the device's namespace
 * @ifindex: of the device
 *
 * A device leaves its namespace's list a grace period before NETDEV_UNREGISTER. So
 * where it is listed, xfrm_xdp_port_remove() is still to come, and will find the port.
 *
 * Context: BH off, RCU read side.
 * Return: the port, or NULL where there is no such device, or no memory.
 */
struct xfrm_xdp_port *xfrm_xdp_port_get(struct xfrm_xdp_net *xn, u32 ifindex)
{
	struct xfrm_xdp_port *port = xa_load(&xn->ports, ifindex), *other;
	const struct net_device *dev;

	if (likely(port))
		return port;
	dev = dev_get_by_index_rcu(xn->net, ifindex);
	port = dev ? kzalloc(sizeof(*port), GFP_ATOMIC | __GFP_NOWARN) : NULL;
	if (!port)
		return NULL;
	port->dev = dev;
	other = xa_cmpxchg(&xn->ports, ifindex, NULL, port, GFP_ATOMIC | __GFP_NOWARN);
	if (likely(!other))
		return port;
	/* Another CPU was faster, or there was no memory. */
	kfree(port);
	return xa_is_err(other) ? NULL : other;
}

/* @dev: NULL where only its ifindex is known */
static int xfrm_xdp_port_link_end(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow,
				  enum xfrm_xdp_end end, u32 ifindex,
				  const struct net_device *dev)
{
	const struct net_device *listed;
	struct xfrm_xdp_port *port;

	if (!ifindex)
		return 0;
	listed = dev_get_by_index_rcu(xn->net, ifindex);
	if (!listed || (dev && dev != listed))
		return -ENODEV;
	port = xfrm_xdp_port_get(xn, ifindex);
	if (!port)
		return -ENOMEM;
	hlist_add_head(&flow->ports[end], &port->flows[end]);
	return 0;
}

/**
 * xfrm_xdp_port_link() - list a flow at the ports that it uses
 * @xn: of the namespace
 * @flow: that is about to be inserted
 *
 * A VLAN device goes down with the device below it and is unregistered before it, so the
 * list of the VLAN device is enough.
 *
 * Context: xn->lock held, RCU read side.
 * Return: 0; -ENODEV where a device is on its way out; -ENOMEM.
 */
int xfrm_xdp_port_link(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	const struct net_device *in = flow->in, *out = flow->out;
	int err;

	lockdep_assert_held(&xn->lock);
	err = xfrm_xdp_port_link_end(xn, flow, XFRM_XDP_IN,
				     in ? in->ifindex : flow->key.ifindex, in) ?:
	      xfrm_xdp_port_link_end(xn, flow, XFRM_XDP_OUT, out ? out->ifindex : 0, out);
	if (err)
		xfrm_xdp_port_unlink(flow);
	return err;
}

/**
 * xfrm_xdp_port_unlink() - take a flow out of the lists of its ports
 * @flow: that was linked
 *
 * Context: xn->lock held.
 */
void xfrm_xdp_port_unlink(struct xfrm_xdp_flow *flow)
{
	unsigned int end;

	for (end = 0; end < XFRM_XDP_NR_ENDS; end++)
		hlist_del_init(&flow->ports[end]);
}

/* The port of this very device: another one may have its ifindex by now. */
static struct xfrm_xdp_port *xfrm_xdp_port_of(struct xfrm_xdp_net *xn,
					      const struct net_device *dev)
{
	struct xfrm_xdp_port *port = xa_load(&xn->ports, dev->ifindex);

	lockdep_assert_held(&xn->lock);
	return port && port->dev == dev ? port : NULL;
}

/* Unlinks the first few of @flows; returns whether there are more. */
static bool xfrm_xdp_port_purge_some(struct xfrm_xdp_net *xn, struct hlist_head *flows,
				     enum xfrm_xdp_end end)
{
	unsigned int i;

	spin_lock_bh(&xn->lock);
	for (i = 0; i < XFRM_XDP_PURGE_BATCH && !hlist_empty(flows); i++)
		xfrm_xdp_flow_unlink(xn, hlist_entry(flows->first, struct xfrm_xdp_flow,
						     ports[end]));
	spin_unlock_bh(&xn->lock);
	return !hlist_empty(flows);
}

/* Unlinks the flows of a device, and ends its port if it leaves. */
static void xfrm_xdp_port_end(struct xfrm_xdp_net *xn, const struct net_device *dev, bool leaves)
{
	struct hlist_head flows[XFRM_XDP_NR_ENDS] = {};
	struct xfrm_xdp_port *port;
	unsigned int end;

	spin_lock_bh(&xn->lock);
	port = xfrm_xdp_port_of(xn, dev);
	for (end = 0; port && end < XFRM_XDP_NR_ENDS; end++)
		hlist_move_list(&port->flows[end], &flows[end]);
	/* In the same hold of the lock: no flow can be linked to it after that. */
	if (port && leaves) {
		xa_erase(&xn->ports, dev->ifindex);
		kfree_rcu(port, rcu);
	}
	spin_unlock_bh(&xn->lock);
	for (end = 0; end < XFRM_XDP_NR_ENDS; end++)
		while (!hlist_empty(&flows[end]) && xfrm_xdp_port_purge_some(xn, &flows[end], end))
			cond_resched();
}

/**
 * xfrm_xdp_port_purge() - unlink the flows of a device
 * @xn: of the device's namespace
 * @dev: the device
 *
 * Flows that are learned meanwhile stay.
 *
 * Context: process.
 */
void xfrm_xdp_port_purge(struct xfrm_xdp_net *xn, const struct net_device *dev)
{
	xfrm_xdp_port_end(xn, dev, false);
}

/**
 * xfrm_xdp_port_remove() - end the port of a device that leaves its namespace
 * @xn: of the namespace
 * @dev: the device
 *
 * NETDEV_UNREGISTER is repeated as long as somebody holds a reference to the device.
 *
 * Context: process.
 */
void xfrm_xdp_port_remove(struct xfrm_xdp_net *xn, const struct net_device *dev)
{
	xfrm_xdp_port_end(xn, dev, true);
}

/**
 * xfrm_xdp_ports_free() - free the ports of a namespace
 * @xn: of the namespace; its devices are gone, or the module is
 *
 * Context: process, when nobody can make a port any more.
 */
void xfrm_xdp_ports_free(struct xfrm_xdp_net *xn)
{
	struct xfrm_xdp_port *port;
	unsigned long ifindex;

	xa_for_each(&xn->ports, ifindex, port)
		kfree(port);
	xa_destroy(&xn->ports);
}
