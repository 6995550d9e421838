/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks of sequence numbers and replay windows: inline. What does not come
 * in order, or not by the usual bitmap, xfrm_xdp_replay.c has to look at.
 */
#ifndef _XFRM_XDP_REPLAY_H
#define _XFRM_XDP_REPLAY_H

#include "xfrm_xdp.h"

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
 * xfrm_xdp_replay_notify() - tell listeners, if there are any, that the numbers moved
 * @x: SA
 *
 * Follows xfrm_aevent_is_on(), but is an RCU reader already.
 *
 * Context: softirq, x->lock held; RCU read side.
 */
static inline void xfrm_xdp_replay_notify(struct xfrm_state *x)
{
	struct sock *nlsk = rcu_dereference(xs_net(x)->xfrm.nlsk);

	if (unlikely(nlsk && netlink_has_listeners(nlsk, XFRMNLGRP_AEVENTS)))
		xfrm_xdp_replay_moved(x);
}

/**
 * xfrm_xdp_replay_next() - take the next sequence number to send
 * @x: SA, not out of numbers
 *
 * Follows xfrm_replay_overflow().
 *
 * Context: softirq, x->lock held; RCU read side.
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

/**
 * xfrm_xdp_replay_check() - may a packet with this number be received?
 * @x: SA
 * @net_seq: low half of the sequence number, network order
 *
 * Changes nothing: the caller counts. Follows xfrm_replay_check().
 *
 * Context: softirq, x->lock held.
 */
static __always_inline enum xfrm_xdp_replay xfrm_xdp_replay_check(const struct xfrm_state *x,
								  __be32 net_seq)
{
	u32 seq = ntohl(net_seq);

	/* Beyond the window, where numbers have 32 bits. */
	if (likely(x->repl_mode == XFRM_REPLAY_MODE_BMP ? seq > x->replay_esn->seq :
		   x->repl_mode == XFRM_REPLAY_MODE_LEGACY && seq > x->replay.seq))
		return XFRM_XDP_REPLAY_NEW;
	return xfrm_xdp_replay_look(x, seq);
}

/**
 * xfrm_xdp_replay_advance() - a packet with this number was received
 * @x: SA
 * @net_seq: low half of the sequence number, network order; it has just
 *	passed xfrm_xdp_replay_check()
 *
 * Follows xfrm_replay_advance().
 *
 * Context: softirq, x->lock held; RCU read side.
 */
static __always_inline void xfrm_xdp_replay_advance(struct xfrm_state *x, __be32 net_seq)
{
	struct xfrm_replay_state_esn *r = x->replay_esn;
	u32 seq = ntohl(net_seq);
	u32 bit;

	/*
	 * The next one, which uncovers no bit. The kernel's bit for the first depends on more,
	 * and a window of one is cleared: xfrm_xdp_esn_slide().
	 */
	if (likely(x->repl_mode == XFRM_REPLAY_MODE_BMP && r->replay_window > 1 && r->seq &&
		   seq == r->seq + 1)) {
		bit = r->seq % r->replay_window;
		r->bmp[bit >> 5] |= BIT(bit & 31);
		r->seq = seq;
	} else if (!xfrm_xdp_replay_mark(x, net_seq)) {
		return;
	}
	xfrm_xdp_replay_notify(x);
}

#endif /* _XFRM_XDP_REPLAY_H */
