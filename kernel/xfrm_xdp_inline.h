/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks, small enough to be inline; one block per source file, as in
 * xfrm_xdp.h, which includes it.
 */
#ifndef _XFRM_XDP_INLINE_H
#define _XFRM_XDP_INLINE_H

#include <linux/unaligned.h>
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
		return xfrm_xdp_encap_is(pkt, key);
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

/* Is there an sk_buff behind the frame? */
static inline bool xfrm_xdp_is_generic(const struct xdp_buff *xdp)
{
	return unlikely(rcu_access_pointer(xdp->rxq->dev->xdp_prog)) &&
	       xfrm_xdp_on_device_queue(xdp);
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

/* xfrm_xdp_slots.c */

#define XFRM_XDP_CHUNK_SLOTS	((u32)(PAGE_SIZE / sizeof(void *)))
#define XFRM_XDP_NR_CHUNKS						\
	((XFRM_XDP_FLOWS_MAX + XFRM_XDP_SAS_MAX) / XFRM_XDP_CHUNK_SLOTS)

/**
 * struct xfrm_xdp_chunk - a page of slots
 * @slot: a flow, or the number of the next free slot as an xa_value
 */
struct xfrm_xdp_chunk {
	void __rcu *slot[PAGE_SIZE / sizeof(void *)];
};

extern struct xfrm_xdp_chunk __rcu *xfrm_xdp_chunks[XFRM_XDP_NR_CHUNKS];

static inline u32 xfrm_xdp_handle_slot(u64 handle)
{
	return handle & (BIT(XFRM_XDP_SLOT_BITS) - 1);
}

/* Slots that were in use once have memory as long as their part has a flow. */
static inline void __rcu **xfrm_xdp_slot(u32 nr)
{
	struct xfrm_xdp_chunk *chunk =
		rcu_dereference_check(xfrm_xdp_chunks[nr / XFRM_XDP_CHUNK_SLOTS],
				      lockdep_is_held(&xfrm_xdp_slots_lock));

	return chunk ? &chunk->slot[nr % XFRM_XDP_CHUNK_SLOTS] : NULL;
}

/* The flow in a slot, or NULL. */
static inline struct xfrm_xdp_flow *xfrm_xdp_slot_flow(u32 nr)
{
	void __rcu **slot = xfrm_xdp_slot(nr);
	void *entry;

	if (unlikely(!slot))
		return NULL;
	entry = rcu_dereference_check(*slot, lockdep_is_held(&xfrm_xdp_slots_lock));
	return unlikely(xa_is_value(entry)) ? NULL : entry;
}

/**
 * xfrm_xdp_flow_get() - find a flow by its handle
 * @handle: from the flow map, or from nowhere
 *
 * Context: RCU read side.
 * Return: the flow, or NULL where the handle is dead or never was.
 */
static inline struct xfrm_xdp_flow *xfrm_xdp_flow_get(u64 handle)
{
	u32 nr = xfrm_xdp_handle_slot(handle);
	struct xfrm_xdp_flow *flow;

	if (unlikely(nr >= XFRM_XDP_NR_CHUNKS * XFRM_XDP_CHUNK_SLOTS))
		return NULL;
	flow = xfrm_xdp_slot_flow(nr);
	return flow && flow->handle == handle ? flow : NULL;
}

/* xfrm_xdp_flow.c */

/* Times of flows are low halves of jiffies: what is compared with them is shorter. */
#define XFRM_XDP_JIFFIES_MAX	BIT(29)

/* module parameter revalidate_ms, in jiffies */
extern u32 xfrm_xdp_interval;

/* Jiffies since the stack accepted a packet of it, 0 where another CPU was ahead of this one. */
static inline u32 xfrm_xdp_flow_age(const struct xfrm_xdp_flow *flow)
{
	u32 age = (u32)jiffies - READ_ONCE(flow->renewed);

	return likely((s32)age >= 0 || (s32)age < -HZ) ? age : 0;
}

/**
 * xfrm_xdp_flow_left_lately() - has the stack sent one within the interval?
 * @flow: of kind XFRM_XDP_FLOW_LEAVING
 *
 * Context: RCU read side.
 */
static inline bool xfrm_xdp_flow_left_lately(const struct xfrm_xdp_flow *flow)
{
	return READ_ONCE(flow->left) &&
	       xfrm_xdp_flow_age(flow) <= READ_ONCE(xfrm_xdp_interval);
}

/**
 * xfrm_xdp_flow_fresh() - may a packet take the fast path, by the clock?
 * @flow: the flow
 *
 * Half way through the interval one packet is sent through the stack to renew
 * the flow; the others go on. At its end they stop.
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
static inline int xfrm_xdp_flow_fresh(struct xfrm_xdp_flow *flow)
{
	u32 interval = READ_ONCE(xfrm_xdp_interval);
	u32 age = xfrm_xdp_flow_age(flow);
	u32 now = jiffies;

	/* Not used: it falls idle and is swept, before its age can begin anew. */
	if (unlikely(age > interval))
		return XFRM_XDP_R_PUNT_STALE;
	if (READ_ONCE(flow->used) != now)
		WRITE_ONCE(flow->used, now);
	if (unlikely(age > interval / 2) && !READ_ONCE(flow->revalidating) &&
	    !xchg(&flow->revalidating, 1))
		return XFRM_XDP_R_PUNT_REVALIDATE;
	return XFRM_XDP_OK;
}

/* xfrm_xdp_meta.c */

/**
 * struct xfrm_xdp_decrypted - the frame that this CPU decrypted last
 * @data: its start; NULL: none, or it went on already
 * @sa: handle of the SA
 * @ifindex: device that the inner packet is received by
 * @len: of the outer IP packet in bytes
 * @nonce: what its metadata has in place of the proof, another for each frame
 *
 * So that the flow of a decrypted packet may be taken in the same run of the
 * program without making and checking a proof. The metadata is the frame's own:
 * the next one, even at the same address, comes from its driver without.
 */
struct xfrm_xdp_decrypted {
	const void *data;
	u64 sa;
	u32 ifindex;
	unsigned int len;
	u64 nonce;
};

DECLARE_PER_CPU(struct xfrm_xdp_decrypted, xfrm_xdp_decrypted);

/**
 * xfrm_xdp_meta_sa() - by which SA has this frame just been decrypted?
 * @xdp: the frame
 *
 * Context: XDP.
 * Return: its handle, or 0 where the frame is as it came.
 */
static inline u64 xfrm_xdp_meta_sa(const struct xdp_buff *xdp)
{
	const struct xfrm_xdp_decrypted *last = this_cpu_ptr(&xfrm_xdp_decrypted);
	const struct xfrm_xdp_meta *meta = xdp->data_meta;

	return last->data == xdp->data &&
	       xdp->data - xdp->data_meta == sizeof(*meta) &&
	       meta->proof == last->nonce ? last->sa : 0;
}

/**
 * xfrm_xdp_meta_been() - has the frame been decrypted before, in this run or another?
 * @xdp: the frame
 *
 * Whoever else puts something in front of it may do so.
 *
 * Context: XDP.
 */
static inline bool xfrm_xdp_meta_been(const struct xdp_buff *xdp)
{
	return unlikely(xdp->data - xdp->data_meta == sizeof(struct xfrm_xdp_meta)) &&
	       xfrm_xdp_meta_true(xdp);
}

/**
 * xfrm_xdp_meta_ifindex() - the device by which the inner packet is received
 *
 * Context: XDP, after xfrm_xdp_meta_sa() has named an SA.
 */
static inline u32 xfrm_xdp_meta_ifindex(void)
{
	return __this_cpu_read(xfrm_xdp_decrypted.ifindex);
}

/**
 * xfrm_xdp_meta_len() - length of the outer IP packet in bytes
 *
 * Context: XDP, after xfrm_xdp_meta_sa() has named an SA.
 */
static inline unsigned int xfrm_xdp_meta_len(void)
{
	return __this_cpu_read(xfrm_xdp_decrypted.len);
}

/**
 * xfrm_xdp_meta_forget() - the frame went on, or another one is being looked at
 *
 * Context: XDP.
 */
static inline void xfrm_xdp_meta_forget(void)
{
	__this_cpu_write(xfrm_xdp_decrypted.data, NULL);
}

#endif /* _XFRM_XDP_INLINE_H */
