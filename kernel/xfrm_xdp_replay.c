// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequence numbers and replay windows (RFC 4303 sections 3.3.3 and 3.4.3) on
 * the SA's own replay state. xfrm_replay_check(), _advance() and _overflow()
 * want an sk_buff and are not exported; these keep the same bits in the same
 * places, because the stack works on the same SA between two packets of ours.
 *
 * All functions here need x->lock, but for xfrm_xdp_replay_window().
 */

#include <net/xfrm.h>
#include "xfrm_xdp_replay.h"

/* Which bit of the circular bitmap stands for the number @diff below the top. */
static u32 xfrm_xdp_esn_bit(const struct xfrm_replay_state_esn *r, u32 diff)
{
	u32 pos = (r->seq - 1) % r->replay_window;

	return pos >= diff ? pos - diff : pos + r->replay_window - diff;
}

static enum xfrm_xdp_replay
xfrm_xdp_replay_check_legacy(const struct xfrm_state *x, u32 seq)
{
	u32 diff = x->replay.seq - seq;

	if (!x->props.replay_window)
		return XFRM_XDP_REPLAY_NEW;
	if (!seq)
		return XFRM_XDP_REPLAY_ZERO;
	if (seq > x->replay.seq)
		return XFRM_XDP_REPLAY_NEW;
	if (diff >= x->props.replay_window)
		return XFRM_XDP_REPLAY_OLD;
	return x->replay.bitmap & BIT(diff) ? XFRM_XDP_REPLAY_DUP :
					      XFRM_XDP_REPLAY_NEW;
}

/* Is @seq right of an ESN window, seen in 32 bits? RFC 4303 appendix A2. */
static bool xfrm_xdp_esn_ahead(const struct xfrm_replay_state_esn *r, u32 seq)
{
	u32 bottom = r->seq - r->replay_window + 1;

	if (r->seq >= r->replay_window - 1)
		return seq > r->seq || seq < bottom;
	return seq > r->seq && seq < bottom;
}

static enum xfrm_xdp_replay
xfrm_xdp_replay_check_esn(const struct xfrm_state *x, u32 seq)
{
	const struct xfrm_replay_state_esn *r = x->replay_esn;
	bool esn = x->repl_mode == XFRM_REPLAY_MODE_ESN;
	u32 diff = r->seq - seq;
	u32 bit;

	if (!r->replay_window)
		return XFRM_XDP_REPLAY_NEW;
	if (!seq && (!esn || (!r->seq_hi && r->seq < r->replay_window - 1)))
		return XFRM_XDP_REPLAY_ZERO;
	if (esn ? xfrm_xdp_esn_ahead(r, seq) : seq > r->seq)
		return XFRM_XDP_REPLAY_NEW;
	if (diff >= r->replay_window)
		return XFRM_XDP_REPLAY_OLD;
	bit = xfrm_xdp_esn_bit(r, diff);
	return r->bmp[bit >> 5] & BIT(bit & 31) ? XFRM_XDP_REPLAY_DUP :
						  XFRM_XDP_REPLAY_NEW;
}

/**
 * xfrm_xdp_replay_look() - xfrm_xdp_replay_check() of any number
 * @x: SA
 * @seq: low half of the sequence number
 *
 * Context: softirq, x->lock held.
 */
enum xfrm_xdp_replay xfrm_xdp_replay_look(const struct xfrm_state *x, u32 seq)
{
	if (x->repl_mode == XFRM_REPLAY_MODE_LEGACY)
		return xfrm_xdp_replay_check_legacy(x, seq);
	return xfrm_xdp_replay_check_esn(x, seq);
}

/* How far the sequence numbers went since the last event, in either direction. */
static bool xfrm_xdp_replay_maxdiff(const struct xfrm_state *x)
{
	const struct xfrm_replay_state_esn *r = x->replay_esn;
	const struct xfrm_replay_state_esn *p = x->preplay_esn;
	u32 seq, oseq;

	if (!x->replay_maxdiff)
		return false;
	if (x->repl_mode == XFRM_REPLAY_MODE_LEGACY) {
		seq = x->replay.seq - x->preplay.seq;
		oseq = x->replay.oseq - x->preplay.oseq;
	} else {
		seq = r->seq - p->seq;
		oseq = r->oseq - p->oseq;
	}
	return seq >= x->replay_maxdiff || oseq >= x->replay_maxdiff;
}

/* xfrm_aevent_is_on(), by an RCU reader */
static bool xfrm_xdp_replay_heard(struct net *net)
{
	struct sock *nlsk = rcu_dereference(net->xfrm.nlsk);

	return nlsk && netlink_has_listeners(nlsk, XFRMNLGRP_AEVENTS);
}

/**
 * xfrm_xdp_replay_moved() - xfrm_replay_notify() of numbers that moved, if someone listens
 * @x: SA
 *
 * Context: softirq, x->lock held; RCU read side.
 */
void xfrm_xdp_replay_moved(struct xfrm_state *x)
{
	struct km_event c = { .event = XFRM_MSG_NEWAE };

	if (!xfrm_xdp_replay_heard(xs_net(x))) {
		WRITE_ONCE(xfrm_xdp_net_rcu(xs_net(x))->unheard, jiffies);
		return;
	}
	if (xfrm_xdp_replay_maxdiff(x))
		c.data.aevent = XFRM_REPLAY_UPDATE;
	else if (x->xflags & XFRM_TIME_DEFER)
		c.data.aevent = XFRM_REPLAY_TIMEOUT;
	else
		return;

	if (x->repl_mode == XFRM_REPLAY_MODE_LEGACY)
		x->preplay = x->replay;
	else
		memcpy(x->preplay_esn, x->replay_esn,
		       xfrm_replay_state_esn_len(x->replay_esn));
	km_state_notify(x, &c);

	if (x->replay_maxage && !mod_timer(&x->rtimer, jiffies + x->replay_maxage))
		x->xflags &= ~XFRM_TIME_DEFER;
}

static void xfrm_xdp_replay_advance_legacy(struct xfrm_state *x, u32 seq)
{
	u32 diff;

	if (seq > x->replay.seq) {
		diff = seq - x->replay.seq;
		x->replay.bitmap = diff < x->props.replay_window ?
				   x->replay.bitmap << diff | 1 : 1;
		x->replay.seq = seq;
	} else {
		x->replay.bitmap |= BIT(x->replay.seq - seq);
	}
}

/*
 * Move the top of the window to @seq and clear what the move uncovered. Where a window
 * does not divide 2^32, the kernel's bit for a number beyond the end of 32 bits is not
 * the one it looks at next; the same one here, for both paths keep the one bitmap.
 */
static void xfrm_xdp_esn_slide(struct xfrm_replay_state_esn *r, u32 seq)
{
	u32 top = xfrm_xdp_esn_bit(r, 0);
	u32 diff = seq - r->seq;
	u32 bit, i;

	if (diff < r->replay_window) {
		bit = top;
		for (i = 1; i < diff; i++) {
			bit = bit + 1 == r->replay_window ? 0 : bit + 1;
			r->bmp[bit >> 5] &= ~BIT(bit & 31);
		}
	} else {
		memset(r->bmp, 0, DIV_ROUND_UP(r->replay_window, 32) * sizeof(u32));
	}
	r->seq = seq;
	bit = (top + diff) % r->replay_window;
	r->bmp[bit >> 5] |= BIT(bit & 31);
}

static void xfrm_xdp_replay_advance_esn(struct xfrm_state *x, __be32 net_seq)
{
	struct xfrm_replay_state_esn *r = x->replay_esn;
	u32 seq = ntohl(net_seq);
	int wrap = 0;
	u32 bit;

	if (x->repl_mode == XFRM_REPLAY_MODE_ESN)
		wrap = xfrm_replay_seqhi(x, net_seq) - r->seq_hi;

	if ((!wrap && seq > r->seq) || wrap > 0) {
		xfrm_xdp_esn_slide(r, seq);
		if (wrap > 0)
			r->seq_hi++;
	} else {
		bit = xfrm_xdp_esn_bit(r, r->seq - seq);
		r->bmp[bit >> 5] |= BIT(bit & 31);
	}
}

/**
 * xfrm_xdp_replay_mark() - xfrm_xdp_replay_advance() of any number
 * @x: SA
 * @net_seq: low half of the sequence number, network order
 *
 * Context: softirq, x->lock held.
 * Return: is there a window to mark it in?
 */
bool xfrm_xdp_replay_mark(struct xfrm_state *x, __be32 net_seq)
{
	if (x->repl_mode == XFRM_REPLAY_MODE_LEGACY) {
		if (!x->props.replay_window)
			return false;
		xfrm_xdp_replay_advance_legacy(x, ntohl(net_seq));
	} else {
		if (!x->replay_esn->replay_window)
			return false;
		xfrm_xdp_replay_advance_esn(x, net_seq);
	}
	return true;
}

/**
 * xfrm_xdp_replay_window() - size of the replay window
 * @x: SA
 *
 * Needs no lock: one word, which only a key manager changes.
 *
 * Context: any.
 * Return: how far the numbers of two packets may be apart when they arrive in the
 * wrong order; U32_MAX where there is no window.
 */
u32 xfrm_xdp_replay_window(const struct xfrm_state *x)
{
	u32 window = x->replay_esn ? READ_ONCE(x->replay_esn->replay_window) :
				     x->props.replay_window;

	return window ?: U32_MAX;
}
