/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks of packets and SAs, small enough to be inline; one block per
 * source file, as in xfrm_xdp.h, which includes it.
 */
#ifndef _XFRM_XDP_INLINE_H
#define _XFRM_XDP_INLINE_H

#include <linux/ip.h>
#include <linux/unaligned.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netdev_rx_queue.h>
#include <net/netns/generic.h>

/* xfrm_xdp_stats.c */

struct xfrm_xdp_stats {
	unsigned long count[XFRM_XDP_R_MAX];
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

/* What of the key stands behind the addresses: ports and DSCP, or ESP. */
static inline bool xfrm_xdp_upper_is(const struct xfrm_xdp_pkt *pkt,
				     const struct xfrm_xdp_flow_key *key)
{
	if (key->proto == IPPROTO_ESP && key->encap)
		return pkt->ports == key->encap && xfrm_xdp_encap_spi(pkt) == key->spi;
	return pkt->ports == key->spi && pkt->proto == key->proto &&
	       (key->proto == IPPROTO_ESP ||
		(pkt->tos & XFRM_XDP_DSCP_MASK) == key->dscp);
}

/**
 * xfrm_xdp_pkt_is() - is a packet of this flow, by what is in the packet?
 * @pkt: the packet
 * @key: the flow's key; ingress device, VLAN and SA are the caller's to compare
 *
 * Reads the packet where the key is of ESP in UDP: all of it has to be linear.
 *
 * Context: any.
 */
static inline bool xfrm_xdp_pkt_is(const struct xfrm_xdp_pkt *pkt,
				   const struct xfrm_xdp_flow_key *key)
{
	return pkt->family == key->family && xfrm_xdp_upper_is(pkt, key) &&
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
	const void *rxq = xdp->rxq, *rx = dev->_rx;

	return rxq >= rx && rxq < rx + dev->num_rx_queues * sizeof(*dev->_rx);
}

/* Is there an sk_buff behind the frame? */
static inline bool xfrm_xdp_is_generic(const struct xdp_buff *xdp)
{
	return unlikely(rcu_access_pointer(xdp->rxq->dev->xdp_prog)) &&
	       xfrm_xdp_on_device_queue(xdp);
}

/**
 * xfrm_xdp_set_frame() - new bounds of a frame, without metadata
 * @xdp: frame
 * @start: link-layer header
 * @end: of the packet
 *
 * Context: XDP.
 */
static inline void xfrm_xdp_set_frame(struct xdp_buff *xdp, u8 *start, u8 *end)
{
	if (unlikely(end < (u8 *)xdp->data_end && xfrm_xdp_is_generic(xdp))) {
		xfrm_xdp_generic_frame(xdp, start, end);
		return;
	}
	xdp->data = start;
	xdp->data_end = end;
	xdp->data_meta = start;
}

/* xfrm_xdp_replay.c */

/**
 * xfrm_xdp_replay_overflows() - has the SA run out of sequence numbers?
 * @x: SA
 *
 * Changes nothing: the stack ends the packet, counts and audits.
 *
 * Context: softirq, x->lock held.
 */
static inline bool xfrm_xdp_replay_overflows(const struct xfrm_state *x)
{
	bool may_wrap = x->props.extra_flags & XFRM_SA_XFLAG_OSEQ_MAY_WRAP;

	switch (x->repl_mode) {
	case XFRM_REPLAY_MODE_LEGACY:
		return x->replay.oseq == U32_MAX && !may_wrap;
	case XFRM_REPLAY_MODE_BMP:
		return x->replay_esn->oseq == U32_MAX && !may_wrap;
	case XFRM_REPLAY_MODE_ESN:
		return x->replay_esn->oseq == U32_MAX &&
		       x->replay_esn->oseq_hi == U32_MAX;
	}
	return true;
}

/**
 * xfrm_xdp_replay_next() - take the next sequence number to send
 * @x: SA, not out of numbers
 *
 * Follows xfrm_replay_overflow().
 *
 * Context: softirq, x->lock held.
 * Return: the number; its upper half is zero without ESN.
 */
static inline u64 xfrm_xdp_replay_next(struct xfrm_state *x)
{
	struct xfrm_replay_state_esn *r = x->replay_esn;
	u64 seq;

	switch (x->repl_mode) {
	case XFRM_REPLAY_MODE_ESN:
		if (!++r->oseq)
			r->oseq_hi++;
		seq = (u64)r->oseq_hi << 32 | r->oseq;
		break;
	case XFRM_REPLAY_MODE_BMP:
		seq = ++r->oseq;
		break;
	default:
		seq = ++x->replay.oseq;
	}
	xfrm_xdp_replay_notify(x);
	return seq;
}

/* xfrm_xdp_sa.c */

/**
 * xfrm_xdp_must_copy() - must the transform work on memory of ours?
 * @x: SA that passed xfrm_xdp_sa_check()
 * @xdp: frame
 *
 * Where a request may complete after crypto_aead_*crypt() returned, for then the
 * driver recycles the buffer under it; and where the buffer is AF_XDP's, which is
 * not in the linear mapping that a scatterlist needs.
 *
 * Context: XDP.
 */
static inline bool xfrm_xdp_must_copy(const struct xfrm_state *x, const struct xdp_buff *xdp)
{
	struct crypto_aead *aead = x->data;

	return crypto_aead_tfm(aead)->__crt_alg->cra_flags & CRYPTO_ALG_ASYNC ||
	       xdp->rxq->mem.type == MEM_TYPE_XSK_BUFF_POOL;
}

/**
 * xfrm_xdp_sa_hard_limit() - would xfrm_state_check_expire() expire the SA?
 * @x: SA
 *
 * Context: softirq, x->lock held.
 */
static inline bool xfrm_xdp_sa_hard_limit(const struct xfrm_state *x)
{
	return x->curlft.bytes >= x->lft.hard_byte_limit ||
	       x->curlft.packets >= x->lft.hard_packet_limit;
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
	bool soft = x->curlft.bytes >= x->lft.soft_byte_limit ||
		    x->curlft.packets >= x->lft.soft_packet_limit;

	if (unlikely(!READ_ONCE(x->curlft.use_time) || (soft && !x->km.dying)))
		xfrm_state_check_expire(x);
}

/* xfrm_xdp_esp.c */

static inline bool xfrm_xdp_esn(const struct xfrm_state *x)
{
	return x->props.flags & XFRM_STATE_ESN;
}

/**
 * xfrm_xdp_esp_clen() - length of the ciphertext
 * @x: SA
 * @len: length of the payload in bytes
 *
 * Context: any.
 * Return: bytes of payload, padding, pad length and next header.
 */
static inline unsigned int xfrm_xdp_esp_clen(const struct xfrm_state *x, unsigned int len)
{
	struct crypto_aead *aead = x->data;

	return ALIGN(len + 2, ALIGN(crypto_aead_blocksize(aead), 4));
}

/**
 * xfrm_xdp_esp_trailer() - write padding, pad length and next header
 * @tail: end of the payload
 * @tfclen: bytes of traffic flow confidentiality padding
 * @padlen: bytes of padding
 * @proto: next header
 *
 * RFC 4303 section 2.4: the padding counts up from one; esp_output_fill_trailer().
 *
 * Context: any.
 */
static inline void xfrm_xdp_esp_trailer(u8 *tail, unsigned int tfclen,
					unsigned int padlen, u8 proto)
{
	unsigned int i;

	if (unlikely(tfclen))
		memset(tail, 0, tfclen);
	tail += tfclen;
	for (i = 0; i < padlen; i++)
		tail[i] = i + 1;
	tail[padlen] = padlen;
	tail[padlen + 1] = proto;
}

/**
 * xfrm_xdp_esp_restore() - put the ESP header back after an ESN request
 * @f: the operation, completed
 *
 * Context: any.
 */
static inline void xfrm_xdp_esp_restore(struct xfrm_xdp_frame *f)
{
	if (!xfrm_xdp_esn(f->x))
		return;
	put_unaligned(f->saved, (__be32 *)(f->esph - sizeof(__be32)));
	put_unaligned(f->x->id.spi, (__be32 *)f->esph);
}

/* xfrm_xdp_outer.c */

/**
 * xfrm_xdp_outer_payload() - what of a packet is encrypted, and behind what
 * @l: result: @payload, @len, @proto, @iphlen, @encap
 * @x: outbound SA that passed xfrm_xdp_sa_check()
 * @pkt: the inner packet
 *
 * Context: any.
 * Return: may the packet go through an SA of this mode?
 */
static inline bool xfrm_xdp_outer_payload(struct xfrm_xdp_layout *l,
					  const struct xfrm_state *x,
					  const struct xfrm_xdp_pkt *pkt)
{
	l->iphlen = x->props.family == AF_INET ? sizeof(struct iphdr) :
						 sizeof(struct ipv6hdr);
	l->encap = x->encap ? sizeof(struct udphdr) : 0;
	if (unlikely(x->props.mode != XFRM_MODE_TUNNEL))
		return xfrm_xdp_outer_without(l, x, pkt);
	l->payload = pkt->l3;
	l->len = pkt->len;
	l->proto = pkt->family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
	return true;
}

#endif /* _XFRM_XDP_INLINE_H */
