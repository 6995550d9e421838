/* SPDX-License-Identifier: GPL-2.0-only */
/* As xfrm_xdp_inline.h, which comes before it: what every packet asks of flows. */
#ifndef _XFRM_XDP_INLINE_FLOW_H
#define _XFRM_XDP_INLINE_FLOW_H

/* xfrm_xdp_slots.c */

/**
 * xfrm_xdp_flow_get() - find a flow by its handle
 * @xn: of the namespace
 * @handle: from the flow map, or from nowhere
 *
 * Context: RCU read side.
 * Return: the flow, or NULL where the handle has ended, never was, or is of another namespace.
 */
static inline struct xfrm_xdp_flow *xfrm_xdp_flow_get(struct xfrm_xdp_net *xn, u64 handle)
{
	enum xfrm_xdp_part part = handle & XFRM_XDP_HANDLE_SA ? XFRM_XDP_PART_SAS :
								XFRM_XDP_PART_FLOWS;
	struct xfrm_xdp_flow *flow = xa_load(&xn->handles[part],
					     handle & (BIT(XFRM_XDP_INDEX_BITS) - 1));

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

/* Jiffies since a packet of it was seen, here or in the stack. */
static inline u32 xfrm_xdp_flow_idle(const struct xfrm_xdp_flow *flow)
{
	s32 idle = (u32)jiffies - READ_ONCE(flow->used);

	return min_t(u32, max(idle, 0), xfrm_xdp_flow_age(flow));
}

/* Flows that any sender can make have a route or bundle; those of SAs have the SA. */
static inline bool xfrm_xdp_flow_routed(const struct xfrm_xdp_flow *flow)
{
	return flow->kind == XFRM_XDP_FLOW_FORWARD || flow->kind == XFRM_XDP_FLOW_DETOUR;
}

/* The SA that a flow is encrypted or decrypted by, or NULL. A bundle holds its SA. */
static inline struct xfrm_state *xfrm_xdp_flow_sa(const struct xfrm_xdp_flow *flow)
{
	return xfrm_xdp_flow_routed(flow) ? flow->dst->xfrm : flow->x;
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
 * @now: jiffies, the low half
 *
 * Half way through the interval one packet is sent through the stack to renew
 * the flow; the others go on. At its end they stop.
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
static __always_inline int xfrm_xdp_flow_fresh(struct xfrm_xdp_flow *flow, u32 now)
{
	u32 interval = READ_ONCE(xfrm_xdp_interval);

	return unlikely(now - READ_ONCE(flow->renewed) > interval / 2) ?
	       xfrm_xdp_flow_aged(flow, interval) : XFRM_XDP_OK;
}

/* xfrm_xdp_leaving.c */

/**
 * xfrm_xdp_leaving_check() - do the ESP packets of a flow leave the host?
 * @xn: of the namespace
 * @flow: that is forwarded through an SA
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
static inline int xfrm_xdp_leaving_check(struct xfrm_xdp_net *xn,
					 const struct xfrm_xdp_flow *flow)
{
	const struct xfrm_xdp_flow *leaving = xfrm_xdp_flow_get(xn, flow->leaving);

	return likely(leaving && xfrm_xdp_flow_left_lately(leaving)) ?
	       XFRM_XDP_OK : XFRM_XDP_R_PUNT_NOT_LEAVING;
}

/* xfrm_xdp_meta.c */

/**
 * struct xfrm_xdp_decrypted - the frame that this CPU decrypted last
 * @data: its start; NULL: none, or it went on already
 * @sa: handle of the SA
 * @ifindex: device that the inner packet is received by
 * @len: of the outer IP packet in bytes
 * @nonce: what its metadata has in place of the proof, another for each frame
 * @inner: what the proof is of: the tuple of what was decrypted, before the program saw it
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
	struct xfrm_xdp_flow_key inner;
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
 * xfrm_xdp_meta_is() - compare the tuple of a packet with the one that was decrypted
 * @pkt: the packet; the program may have written to it
 *
 * Context: XDP, after xfrm_xdp_meta_sa() has named an SA.
 */
static inline bool xfrm_xdp_meta_is(const struct xfrm_xdp_pkt *pkt)
{
	return xfrm_xdp_pkt_is(pkt, &this_cpu_ptr(&xfrm_xdp_decrypted)->inner);
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

#endif /* _XFRM_XDP_INLINE_FLOW_H */
