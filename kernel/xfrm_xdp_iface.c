// SPDX-License-Identifier: GPL-2.0-only
/*
 * xfrm interfaces (route-based IPsec). On the way out a packet is routed twice: to
 * the interface, and by the bundle that its if_id selects there. On the way in, what
 * was decrypted is received a second time, by the interface. Between the two the
 * stack forgets where a packet came from; learning remembers it here.
 */

#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/rtnetlink.h>
#include "xfrm_xdp.h"

/**
 * struct xfrm_xdp_detour - the packet that is on its way to an xfrm interface
 * @skb: the packet; compared, never dereferenced
 * @handle: of the flow of kind XFRM_XDP_FLOW_DETOUR that it is of
 *
 * From POST_ROUTING of the interface to POST_ROUTING of its bundle a packet stays on
 * its CPU, and no other is routed there in between.
 */
struct xfrm_xdp_detour {
	const struct sk_buff *skb;
	u64 handle;
};

static DEFINE_PER_CPU(struct xfrm_xdp_detour, xfrm_xdp_detours);

/**
 * xfrm_xdp_iface_id() - the if_id of an xfrm interface
 * @dev: any device
 *
 * Those that take it from metadata have none, nor have those whose SAs are in another
 * namespace.
 *
 * Context: RCU read side.
 * Return: the if_id, or 0 for what is no xfrm interface.
 */
u32 xfrm_xdp_iface_id(const struct net_device *dev)
{
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;
	const struct xfrm_if *xi = netdev_priv(dev);

	if (!ops || strcmp(ops->kind, "xfrm") || xi->p.collect_md ||
	    !net_eq(xi->net, dev_net(dev)))
		return 0;
	return READ_ONCE(xi->p.if_id);
}

/**
 * xfrm_xdp_iface_has() - has an xfrm interface this if_id still?
 * @dev: that xfrm_xdp_iface_id() knew
 * @if_id: what it said; nothing else of that can change
 *
 * Context: RCU read side.
 */
bool xfrm_xdp_iface_has(const struct net_device *dev, u32 if_id)
{
	const struct xfrm_if *xi = netdev_priv(dev);

	return READ_ONCE(xi->p.if_id) == if_id;
}

/**
 * xfrm_xdp_iface_leave() - a packet leaves by an xfrm interface
 * @xn: of the namespace
 * @skb: at POST_ROUTING, for the first time
 * @id: of its flow
 * @in: device of the stack that its frames are received by
 * @dst: its route, to the interface
 * @policy_gen: generation of the security policy, from before it was checked
 * @routes6: xfrm_xdp_route_gen() of IPv6, of the packet
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: XFRM_XDP_OK or the reason why it is not learned.
 */
int xfrm_xdp_iface_leave(struct xfrm_xdp_net *xn, const struct sk_buff *skb,
			 const struct xfrm_xdp_flow_id *id, const struct net_device *in,
			 struct dst_entry *dst, u32 policy_gen, u32 routes6)
{
	struct xfrm_xdp_detour *detour = this_cpu_ptr(&xfrm_xdp_detours);
	struct xfrm_xdp_flow_id via = *id;
	struct xfrm_xdp_flow *flow, *old;

	detour->skb = NULL;
	via.kind = XFRM_XDP_FLOW_DETOUR;
	old = xfrm_xdp_flow_find(xn, &via);
	if (!netif_running(dst->dev))
		return XFRM_XDP_R_LEARN_EGRESS;
	if (old && old->out == dst->dev && old->policy_gen == policy_gen &&
	    xfrm_xdp_dst_valid(old->dst, old->cookie)) {
		WRITE_ONCE(old->used, jiffies);
		flow = old;
	} else {
		flow = xfrm_xdp_flow_alloc(&via, in);
		if (!flow || !dst_hold_safe(dst))
			goto free;
		flow->dst = dst;
		flow->cookie = xfrm_xdp_dst_cookie(dst, routes6);
		flow->out = dst->dev;
		flow->policy_gen = policy_gen;
		if (xfrm_xdp_flow_insert(xn, flow, old))
			goto free;
	}
	detour->skb = skb;
	detour->handle = flow->handle;
	return XFRM_XDP_OK;
free:
	if (flow)
		xfrm_xdp_flow_free(flow);
	return XFRM_XDP_R_LEARN_FULL;
}

/**
 * xfrm_xdp_iface_sent() - did a packet come to its bundle by an xfrm interface?
 * @xn: of the namespace
 * @skb: at POST_ROUTING
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: the flow by which it came to the interface, or NULL.
 */
struct xfrm_xdp_flow *xfrm_xdp_iface_sent(struct xfrm_xdp_net *xn, const struct sk_buff *skb)
{
	struct xfrm_xdp_detour *detour = this_cpu_ptr(&xfrm_xdp_detours);
	const struct dst_entry *dst = skb_dst(skb);
	bool same = detour->skb == skb;

	/* One that was dropped on the way may have left its address to another. */
	detour->skb = NULL;
	if (!same || !dst || !dst->xfrm)
		return NULL;
	return xfrm_xdp_flow_get(xn, detour->handle);
}

/**
 * xfrm_xdp_iface_holds() - does the way to its xfrm interface still hold?
 * @xn: of the namespace
 * @flow: that is encrypted, with &xfrm_xdp_flow.via
 * @len: of the packet, in bytes
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_iface_holds(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow,
			 unsigned int len)
{
	struct xfrm_xdp_flow *via = xfrm_xdp_flow_get(xn, flow->via);

	if (unlikely(!via || !xfrm_xdp_dst_valid(via->dst, via->cookie)))
		return XFRM_XDP_R_PUNT_DST;
	if (unlikely(!netif_running(via->out) ||
		     !xfrm_xdp_iface_has(via->out, flow->dst->xfrm->if_id)))
		return XFRM_XDP_R_PUNT_IFACE;
	if (unlikely(xfrm_xdp_egress_hooked(via->out)))
		return XFRM_XDP_R_PUNT_EGRESS_HOOK;
	if (unlikely(len > dst_mtu(via->dst)))
		return XFRM_XDP_R_PUNT_MTU;
	WRITE_ONCE(via->used, jiffies);
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_iface_tx() - count a packet that left through its xfrm interface
 * @xn: of the namespace
 * @flow: with &xfrm_xdp_flow.via
 * @len: of the inner packet, in bytes
 * @ok: it did leave, or will; else the crypto layer refused
 *
 * As xfrmi_xmit2() does.
 *
 * Context: softirq, or BH off; RCU read side.
 */
void xfrm_xdp_iface_tx(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow,
		       unsigned int len, bool ok)
{
	struct xfrm_xdp_flow *via = xfrm_xdp_flow_get(xn, flow->via);

	if (unlikely(!via))
		return;
	if (likely(ok)) {
		dev_sw_netstats_tx_add(via->out, 1, len);
	} else {
		DEV_STATS_INC(via->out, tx_errors);
		DEV_STATS_INC(via->out, tx_aborted_errors);
	}
}

static void xfrm_xdp_iface_arrival_id(struct xfrm_xdp_flow_id *id, const struct xfrm_state *x)
{
	memset(id, 0, sizeof(*id));
	id->kind = XFRM_XDP_FLOW_ARRIVING;
	xfrm_xdp_sa_key(&id->key, x);
}

/**
 * xfrm_xdp_iface_arrived() - note by which device the ESP of an SA arrived
 * @dev: the device
 * @x: SA that has verified it; the caller keeps its reference
 *
 * Where nobody learns from packets that is nothing to know.
 *
 * Context: softirq, or BH off; RCU read side.
 */
void xfrm_xdp_iface_arrived(const struct net_device *dev, struct xfrm_state *x)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(dev_net(dev));
	struct xfrm_xdp_flow *flow, *old;
	struct xfrm_xdp_flow_id id;

	if (!x->if_id || x->id.proto != IPPROTO_ESP || !READ_ONCE(xn->learns))
		return;
	xfrm_xdp_iface_arrival_id(&id, x);
	old = xfrm_xdp_flow_find(xn, &id);
	if (old && old->x == x) {
		WRITE_ONCE(old->arrived, dev->ifindex);
		WRITE_ONCE(old->used, jiffies);
		return;
	}
	flow = xfrm_xdp_flow_alloc(&id, NULL);
	if (!flow)
		return;
	flow->arrived = dev->ifindex;
	xfrm_state_hold(x);
	flow->x = x;
	if (xfrm_xdp_flow_insert(xn, flow, old))
		xfrm_xdp_flow_free(flow);
}

/**
 * xfrm_xdp_iface_arrival() - by which device does the ESP of an SA arrive?
 * @xn: of the namespace
 * @x: inbound SA with an if_id
 *
 * Context: RCU read side.
 * Return: its ifindex, or 0 where it has not been seen.
 */
u32 xfrm_xdp_iface_arrival(struct xfrm_xdp_net *xn, const struct xfrm_state *x)
{
	struct xfrm_xdp_flow_id id;
	struct xfrm_xdp_flow *flow;

	xfrm_xdp_iface_arrival_id(&id, x);
	flow = xfrm_xdp_flow_find(xn, &id);
	return flow && flow->x == x ? READ_ONCE(flow->arrived) : 0;
}

/**
 * xfrm_xdp_iface_rx() - receive a decrypted packet by an xfrm interface
 * @skb: the packet, from its IP header on, with its sec_path
 * @dev: the interface
 *
 * As xfrmi_rcv_cb() and gro_cells do, which have counted it.
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_iface_rx(struct sk_buff *skb, struct net_device *dev)
{
	skb->dev = dev;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb_clear_tstamp(skb);
	skb->pkt_type = PACKET_HOST;
	skb->skb_iif = 0;
	skb->ignore_df = 0;
	netif_rx(skb);
}
