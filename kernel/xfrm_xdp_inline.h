/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks of packets and SAs, small enough to be inline; one block per
 * source file, as in xfrm_xdp.h, which includes it.
 */
#ifndef _XFRM_XDP_INLINE_H
#define _XFRM_XDP_INLINE_H

#include <linux/ip.h>
#include <linux/unaligned.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netdev_rx_queue.h>
#include <net/netns/generic.h>

/* xfrm_xdp_stats.c */

/**
 * struct xfrm_xdp_stats - a CPU's counters, of a namespace
 * @count: by enum xfrm_xdp_reason
 * @in_flight: requests that were submitted on this CPU and completed later, on any, less
 *	those that completed on this one
 */
struct xfrm_xdp_stats {
	unsigned long count[XFRM_XDP_R_MAX];
	long in_flight;
};

extern unsigned int xfrm_xdp_net_id;

/**
 * xfrm_xdp_net() - the module's state of a network namespace
 * @net: the namespace
 *
 * Context: any, RCU not needed.
 */
static inline struct xfrm_xdp_net *xfrm_xdp_net(const struct net *net)
{
	return net_generic(net, xfrm_xdp_net_id);
}

/**
 * xfrm_xdp_net_rcu() - the same, without the RCU read side that net_generic() makes
 * @net: the namespace
 *
 * Context: RCU read side.
 */
static inline struct xfrm_xdp_net *xfrm_xdp_net_rcu(const struct net *net)
{
	return rcu_dereference(net->gen)->ptr[xfrm_xdp_net_id];
}

static inline void xfrm_xdp_net_count(const struct xfrm_xdp_net *xn,
				      enum xfrm_xdp_reason reason)
{
	this_cpu_inc(xn->stats->count[reason]);
}

/**
 * xfrm_xdp_count() - count what happened to a packet or flow
 * @net: namespace of the packet
 * @reason: what happened
 *
 * Context: any.
 */
static inline void xfrm_xdp_count(const struct net *net, enum xfrm_xdp_reason reason)
{
	xfrm_xdp_net_count(xfrm_xdp_net(net), reason);
}

/* xfrm_xdp_parse.c */

/* Ports and DSCP, or ESP, and all that is no address; of ESP in UDP only its key knows. */
static __always_inline bool xfrm_xdp_upper_is(const struct xfrm_xdp_pkt *pkt,
					      const struct xfrm_xdp_flow_key *key)
{
	if (likely(!((pkt->vlan ^ key->vlan) | (pkt->family ^ key->family) |
		     (pkt->proto ^ key->proto))))
		return pkt->ports == key->spi &&
		       (key->proto == IPPROTO_ESP ? !key->encap :
			(pkt->tos & XFRM_XDP_DSCP_MASK) == key->dscp);
	return key->proto == IPPROTO_ESP && key->encap && pkt->ports == key->encap &&
	       pkt->family == key->family && pkt->vlan == key->vlan &&
	       xfrm_xdp_encap_spi(pkt) == key->spi;
}

/**
 * xfrm_xdp_pkt_is() - is a packet of this flow, by what is in the packet?
 * @pkt: the packet
 * @key: the flow's key; ingress device and SA are the caller's to compare
 *
 * Reads the packet where the key is of ESP in UDP: all of it has to be linear.
 *
 * Context: any.
 */
static __always_inline bool xfrm_xdp_pkt_is(const struct xfrm_xdp_pkt *pkt,
					    const struct xfrm_xdp_flow_key *key)
{
	return xfrm_xdp_upper_is(pkt, key) &&
	       xfrm_addr_equal(xfrm_xdp_pkt_saddr(pkt), (const xfrm_address_t *)key->saddr,
			       pkt->family) &&
	       xfrm_addr_equal(xfrm_xdp_pkt_daddr(pkt), (const xfrm_address_t *)key->daddr,
			       pkt->family);
}

/**
 * xfrm_xdp_decrease_ttl() - one hop less
 * @l3: IP header
 * @family: AF_INET or AF_INET6
 *
 * Context: any.
 */
static inline void xfrm_xdp_decrease_ttl(u8 *l3, u8 family)
{
	if (family == AF_INET)
		ip_decrease_ttl((struct iphdr *)l3);
	else
		((struct ipv6hdr *)l3)->hop_limit--;
}

/* xfrm_xdp_vlan.c: of devices that most often are no VLAN devices */

/* Does the fast path know the frames of a device of the stack? */
static inline bool xfrm_xdp_vlan_taken(const struct net_device *dev)
{
	return likely(!is_vlan_dev(dev)) || xfrm_xdp_vlan_known(dev);
}

/* The device that sends and receives the frames of a device of the stack. */
static inline struct net_device *xfrm_xdp_vlan_real(const struct net_device *dev)
{
	return likely(!is_vlan_dev(dev)) ? (struct net_device *)dev :
					   xfrm_xdp_vlan_below(dev);
}

/* The VLAN id of its frames, 0 for untagged. */
static inline u16 xfrm_xdp_vlan_id(const struct net_device *dev)
{
	return likely(!is_vlan_dev(dev)) ? 0 : xfrm_xdp_vlan_tag(dev);
}

/* Count a frame that leaves by it; of @len bytes without its tag. */
static inline void xfrm_xdp_vlan_tx(const struct net_device *dev, unsigned int len)
{
	if (unlikely(is_vlan_dev(dev)))
		xfrm_xdp_vlan_sent(dev, len);
}

/* Length of the link-layer header of what leaves by it, in bytes. */
static inline unsigned int xfrm_xdp_mac_len(const struct net_device *out)
{
	return xfrm_xdp_vlan_id(out) ? VLAN_ETH_HLEN : ETH_HLEN;
}

/* Say in a link-layer header of @mac_len bytes what follows it. */
static inline void xfrm_xdp_mac_type(u8 *mac, unsigned int mac_len, u8 family)
{
	__be16 *type = (__be16 *)(mac + mac_len) - 1;

	*type = family == AF_INET ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
}

/**
 * xfrm_xdp_mac_header() - write the link-layer header of what leaves by a device
 * @mac: where to; xfrm_xdp_mac_len() bytes
 * @out: device of the stack
 * @hop: &union xfrm_xdp_hop of the next hop on @out
 * @family: of the packet
 *
 * Context: RCU read side.
 */
static inline void xfrm_xdp_mac_header(u8 *mac, const struct net_device *out, u64 hop,
				       u8 family)
{
	struct vlan_ethhdr *veth = (struct vlan_ethhdr *)mac;
	const union xfrm_xdp_hop to = { .word = hop };
	u16 vlan = xfrm_xdp_vlan_id(out);

	ether_addr_copy(veth->h_dest, to.mac);
	ether_addr_copy(veth->h_source, out->dev_addr);
	if (unlikely(vlan)) {
		veth->h_vlan_proto = htons(ETH_P_8021Q);
		veth->h_vlan_TCI = htons(vlan);
	}
	xfrm_xdp_mac_type(mac, unlikely(vlan) ? VLAN_ETH_HLEN : ETH_HLEN, family);
}

/* Copy a link-layer header, of one of the two lengths there are. */
static __always_inline void xfrm_xdp_mac_copy(u8 *to, const u8 *mac, unsigned int mac_len)
{
	if (likely(mac_len == ETH_HLEN))
		memcpy(to, mac, ETH_HLEN);
	else
		memcpy(to, mac, VLAN_ETH_HLEN);
}

/**
 * xfrm_xdp_route_gen() - counts the changes of routes, rules and addresses
 * @net: namespace
 * @family: whose
 *
 * Context: any.
 * Return: another value after each, and never 0 for IPv6.
 */
static inline u32 xfrm_xdp_route_gen(const struct net *net, u8 family)
{
	return family == AF_INET ? rt_genid_ipv4(net) : rt_genid_ipv6(net);
}

/* xfrm_xdp_egress.c */

/* Are there programs or rules on the way out of this device itself? */
static inline bool xfrm_xdp_device_hooked(const struct net_device *dev)
{
#ifdef CONFIG_NET_XGRESS
	if (rcu_access_pointer(dev->tcx_egress))
		return true;
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	if (rcu_access_pointer(dev->nf_hooks_egress))
		return true;
#endif
	return false;
}

/**
 * xfrm_xdp_egress_hooked() - are there programs or rules on the way out of a device?
 * @out: device of the stack
 *
 * Or of those below: frames of a VLAN device go to the one that it is on, and those of a bond to
 * its ports, whose programs XDP does not run either.
 *
 * Context: RCU read side.
 */
static __always_inline bool xfrm_xdp_egress_hooked(const struct net_device *out)
{
	return xfrm_xdp_device_hooked(out) ||
	       (unlikely(!list_empty(&out->adj_list.lower)) && xfrm_xdp_egress_hooked_below(out));
}

/* xfrm_xdp_generic.c */

/**
 * xfrm_xdp_on_device_queue() - is the receive queue one of the device itself?
 * @xdp: frame
 *
 * Generic XDP and test runs use those; drivers register queues of their own.
 *
 * Context: XDP.
 */
static inline bool xfrm_xdp_on_device_queue(const struct xdp_buff *xdp)
{
	const struct net_device *dev = xdp->rxq->dev;
	unsigned long offset = (unsigned long)xdp->rxq - (unsigned long)dev->_rx;

	return offset < dev->num_rx_queues * sizeof(*dev->_rx);
}

/* Is there an sk_buff behind the frame? */
static inline bool xfrm_xdp_is_generic(const struct xdp_buff *xdp)
{
	return unlikely(rcu_access_pointer(xdp->rxq->dev->xdp_prog)) &&
	       xfrm_xdp_on_device_queue(xdp);
}

/*
 * Did the driver take a VLAN tag out of the frame? Only the driver knows, whatever its
 * features say: a veth's are not about what its other end leaves beside. But its op reads what
 * the driver has behind the xdp_buff, which other frames of the device have not. The queues of
 * a driver's own receive path name their NAPI: in 6.12 those of all three drivers that have the
 * op (ice, mlx5, veth), with AF_XDP pools, too. No other queue does: those of the device
 * (generic XDP, test runs), of live test runs, of cpumap and of devmap. A kernel whose
 * struct xdp_rxq_info has no @napi_id needs another sign.
 */
static __always_inline bool xfrm_xdp_tag_stripped(const struct xdp_buff *xdp)
{
	const struct xdp_metadata_ops *ops = xdp->rxq->dev->xdp_metadata_ops;
	struct {
		__be16 proto;
		u16 tci;
	} tag __uninitialized;

	if (!ops || !ops->xmo_rx_vlan_tag || !xdp->rxq->napi_id)
		return xfrm_xdp_tag_beside(xdp);
	return !ops->xmo_rx_vlan_tag((const struct xdp_md *)xdp, &tag.proto, &tag.tci);
}

/**
 * xfrm_xdp_frame_is_ours() - would this host's IP layer take the frame?
 * @xdp: the frame, with an Ethernet header
 * @pkt: its packet
 * @flow: that it would take
 *
 * Context: XDP.
 * Return: XFRM_XDP_OK, or the reason to punt.
 */
static __always_inline int xfrm_xdp_frame_is_ours(const struct xdp_buff *xdp,
						  const struct xfrm_xdp_pkt *pkt,
						  const struct xfrm_xdp_flow *flow)
{
	const struct net_device *in = flow->in;
	const struct ethhdr *eth = xdp->data;

	if (!ether_addr_equal(eth->h_dest,
			      unlikely(in) ? in->dev_addr : xdp->rxq->dev->dev_addr))
		return XFRM_XDP_R_PUNT_NOT_HOST;
	if (xfrm_xdp_tag_stripped(xdp) || unlikely(in && !(in->flags & IFF_UP)))
		return XFRM_XDP_R_PUNT_VLAN;
	if (unlikely(rcu_access_pointer(xdp->rxq->dev->xdp_prog)) &&
	    flow->kind == XFRM_XDP_FLOW_FORWARD)
		return xfrm_xdp_generic_clear(xdp, pkt);
	return XFRM_XDP_OK;
}

/* Where a frame may begin: below it the driver keeps what it needs to send it. */
static inline void *xfrm_xdp_frame_low(const struct xdp_buff *xdp)
{
	return xdp->data_hard_start + sizeof(struct xdp_frame);
}

/**
 * xfrm_xdp_set_frame() - new bounds of a frame, without metadata
 * @xdp: frame
 * @start: link-layer header
 * @end: of the packet
 *
 * The verifier of 6.12 does not know that a program's packet pointers are void by then. So the
 * frame moves within its buffer, and the buffer stays.
 *
 * Context: XDP.
 */
static inline void xfrm_xdp_set_frame(struct xdp_buff *xdp, u8 *start, u8 *end)
{
	DEBUG_NET_WARN_ON_ONCE((void *)start < xfrm_xdp_frame_low(xdp) || start > end ||
			       (void *)end > xdp_data_hard_end(xdp));
	if (unlikely(end < (u8 *)xdp->data_end && xfrm_xdp_is_generic(xdp))) {
		xfrm_xdp_generic_frame(xdp, start, end);
		return;
	}
	xdp->data = start;
	xdp->data_end = end;
	xdp->data_meta = start;
}

/* xfrm_xdp_sa.c */

/**
 * xfrm_xdp_must_copy() - must the transform work on memory of ours?
 * @x: SA that passed xfrm_xdp_sa_check()
 *
 * Where a request may complete after crypto_aead_*crypt() returned, for then the
 * driver recycles the buffer under it.
 *
 * Context: XDP.
 */
static inline bool xfrm_xdp_must_copy(const struct xfrm_state *x)
{
	struct crypto_aead *aead = x->data;

	return crypto_aead_tfm(aead)->__crt_alg->cra_flags & CRYPTO_ALG_ASYNC;
}

/**
 * xfrm_xdp_sa_hard_limit() - would xfrm_state_check_expire() expire the SA?
 * @x: SA
 *
 * Context: softirq; x->lock held, or where an answer of a moment ago will do.
 */
static inline bool xfrm_xdp_sa_hard_limit(const struct xfrm_state *x)
{
	return READ_ONCE(x->curlft.bytes) >= READ_ONCE(x->lft.hard_byte_limit) ||
	       READ_ONCE(x->curlft.packets) >= READ_ONCE(x->lft.hard_packet_limit);
}

/**
 * xfrm_xdp_sa_expiring() - would xfrm_state_check_expire() do something?
 * @x: SA within its hard limits
 *
 * Context: as xfrm_xdp_sa_hard_limit().
 */
static inline bool xfrm_xdp_sa_expiring(const struct xfrm_state *x)
{
	return !READ_ONCE(x->curlft.use_time) ||
	       (unlikely(READ_ONCE(x->curlft.bytes) >= READ_ONCE(x->lft.soft_byte_limit) ||
			 READ_ONCE(x->curlft.packets) >= READ_ONCE(x->lft.soft_packet_limit)) &&
		!READ_ONCE(x->km.dying));
}

/**
 * xfrm_xdp_sa_used() - what xfrm_state_check_expire() does for an SA within its hard limits
 * @x: SA
 *
 * Notes the first use, and tells the key manager of the soft limits.
 *
 * Context: softirq, x->lock held.
 */
static inline void xfrm_xdp_sa_used(struct xfrm_state *x)
{
	if (unlikely(xfrm_xdp_sa_expiring(x)))
		xfrm_state_check_expire(x);
}

/**
 * xfrm_xdp_move_down() - move bytes towards the start of a buffer
 * @to: where to, before @from
 * @from: where they are
 * @len: how many
 *
 * By less than a cache line, as headers and trailers want it, memmove()'s `rep movsb` is
 * slow: hardware moves lines only between places that are further apart.
 *
 * Context: any.
 */
static inline void xfrm_xdp_move_down(u8 *to, const u8 *from, unsigned int len)
{
	unsigned long end = (unsigned long)len - sizeof(u64), i = 0;
	u64 a, b, c, d, last;

	if (unlikely(len < sizeof(last))) {
		memmove(to, from, len);
		return;
	}
	/* May be written over before its turn. */
	last = get_unaligned((const u64 *)(from + end));
	for (; i + 3 * sizeof(a) < end; i += 4 * sizeof(a)) {
		a = get_unaligned((const u64 *)(from + i));
		b = get_unaligned((const u64 *)(from + i) + 1);
		c = get_unaligned((const u64 *)(from + i) + 2);
		d = get_unaligned((const u64 *)(from + i) + 3);
		put_unaligned(a, (u64 *)(to + i));
		put_unaligned(b, (u64 *)(to + i) + 1);
		put_unaligned(c, (u64 *)(to + i) + 2);
		put_unaligned(d, (u64 *)(to + i) + 3);
	}
	for (; i < end; i += sizeof(a))
		put_unaligned(get_unaligned((const u64 *)(from + i)), (u64 *)(to + i));
	put_unaligned(last, (u64 *)(to + end));
}

/* xfrm_xdp_frame.c */

/**
 * xfrm_xdp_frame_get() - the frame for the next operation of this CPU
 *
 * It stays the pool's until it is taken: with BH off nobody else gets it.
 *
 * Context: softirq, or BH off.
 * Return: the frame, or NULL when all are in flight.
 */
static __always_inline struct xfrm_xdp_frame *xfrm_xdp_frame_get(void)
{
	struct xfrm_xdp_pool *pool = this_cpu_ptr(&xfrm_xdp_pools);

	if (likely(pool->nr))
		return pool->frame[pool->nr - 1];
	xfrm_xdp_frame_none(pool);
	return NULL;
}

/* xfrm_xdp_inner.c */

/* DSCP and ECN (RFC 6040) from the outer header. */
static inline int xfrm_xdp_inner_tunnel4(const struct xfrm_xdp_frame *f,
					 struct xfrm_xdp_inner *inner)
{
	struct iphdr *iph = (struct iphdr *)inner->l3;

	if (inner->len < sizeof(*iph))
		return XFRM_XDP_R_DROP_MODE;
	if (f->x->props.flags & XFRM_STATE_DECAP_DSCP)
		ipv4_copy_dscp(f->tos, iph);
	if (!(f->x->props.flags & XFRM_STATE_NOECN) && INET_ECN_is_ce(f->tos))
		IP_ECN_set_ce(iph);
	inner->family = AF_INET;
	return XFRM_XDP_OK;
}

#endif /* _XFRM_XDP_INLINE_H */
