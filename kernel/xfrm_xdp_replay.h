/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks of sequence numbers and replay windows: inline. What does not come
 * in order, or not by the usual bitmap, xfrm_xdp_replay.c has to look at.
 */
#ifndef _XFRM_XDP_REPLAY_H
#define _XFRM_XDP_REPLAY_H

#include "xfrm_xdp.h"

/**
 * xfrm_xdp_replay_notify() - tell listeners, if there are any, that the numbers moved
 * @x: SA
 *
 * Whether there are any is asked once a tick.
 *
 * Context: softirq, x->lock held; RCU read side.
 */
static inline void xfrm_xdp_replay_notify(struct xfrm_state *x)
{
	unsigned long now = jiffies;

	if (unlikely(READ_ONCE(xfrm_xdp_net_rcu(xs_net(x))->unheard) != now))
		xfrm_xdp_replay_moved(x);
}

/**
 * xfrm_xdp_replay_next() - take the next sequence number to send
 * @x: SA
 * @seq: result; its upper half is zero without ESN
 *
 * Follows xfrm_replay_overflow(), but leaves it to the stack to end the packet, to count and
 * to audit, and to the caller to notify.
 *
 * Context: softirq, x->lock held.
 * Return: false where there is none any more, and nothing has changed.
 */
static __always_inline bool xfrm_xdp_replay_next(struct xfrm_state *x, u64 *seq)
{
	struct xfrm_replay_state_esn *r = x->replay_esn;
	u32 *oseq;

	if (x->repl_mode == XFRM_REPLAY_MODE_ESN) {
		if (unlikely(r->oseq == U32_MAX && r->oseq_hi == U32_MAX))
			return false;
		if (!++r->oseq)
			r->oseq_hi++;
		*seq = (u64)r->oseq_hi << 32 | r->oseq;
	} else {
		oseq = x->repl_mode == XFRM_REPLAY_MODE_BMP ? &r->oseq : &x->replay.oseq;
		if (unlikely(*oseq == U32_MAX &&
			     !(x->props.extra_flags & XFRM_SA_XFLAG_OSEQ_MAY_WRAP)))
			return false;
		*seq = ++*oseq;
	}
	return true;
}

/**
 * xfrm_xdp_replay_ahead() - is it beyond the window, where numbers have 32 bits?
 * @x: SA
 * @seq: the number
 *
 * Context: any; x->lock held, or where an answer of a moment ago will do.
 * Return: false also where more has to be looked at.
 */
static __always_inline bool xfrm_xdp_replay_ahead(const struct xfrm_state *x, u32 seq)
{
	return x->repl_mode == XFRM_REPLAY_MODE_BMP ? seq > READ_ONCE(x->replay_esn->seq) :
	       x->repl_mode == XFRM_REPLAY_MODE_LEGACY && seq > READ_ONCE(x->replay.seq);
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

	if (likely(xfrm_xdp_replay_ahead(x, seq)))
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
