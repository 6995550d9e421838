/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kfuncs do first and last: options, and what became of a packet, for them, for its
 * counter, and for the tracepoint.
 */
#ifndef _XFRM_XDP_NOTE_H
#define _XFRM_XDP_NOTE_H

#include <linux/cleanup.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_trace.h"

/* The module's state of the namespace that a frame was received in, for an RCU reader. */
static inline struct xfrm_xdp_net *xfrm_xdp_frame_net(const struct xdp_buff *xdp)
{
	return xfrm_xdp_net_rcu(dev_net(xdp->rxq->dev));
}

/**
 * xfrm_xdp_note() - count and trace what became of a packet
 * @xn: of the namespace of its device
 * @xdp: frame
 * @verdict: of the kfunc, or of a part of it
 * @opts: its result
 *
 * Context: XDP, RCU read side.
 */
static inline void xfrm_xdp_note(const struct xfrm_xdp_net *xn, const struct xdp_buff *xdp,
				 enum xfrm_xdp_verdict verdict,
				 const struct bpf_xfrm_xdp_opts *opts)
{
	xfrm_xdp_net_count(xn, opts->reason);
	trace_xfrm_xdp_packet(xdp->rxq->dev, verdict, opts);
}

/*
 * @error is the first member of all options: written as soon as it fits, so
 * that a program built against another size learns why nothing happens.
 */
static inline bool xfrm_xdp_opts_ok(void *opts, u32 opts__sz, u32 size)
{
	s32 *error = opts;

	if (!opts || opts__sz < sizeof(*error))
		return false;
	if (opts__sz != size) {
		*error = -EINVAL;
		return false;
	}
	return true;
}

/*
 * Options may be in a map that other CPUs and userspace write, or in the packet that the
 * transform writes over: a kfunc reads each input once, works on its stack, and writes the
 * results last.
 */
static inline int xfrm_xdp_verdict(const struct xfrm_xdp_net *xn, const struct xdp_buff *xdp,
				   enum xfrm_xdp_verdict verdict,
				   const struct bpf_xfrm_xdp_opts *result,
				   struct bpf_xfrm_xdp_opts *opts)
{
	xfrm_xdp_note(xn, xdp, verdict, result);
	*opts = *result;
	return verdict;
}

static inline int xfrm_xdp_misuse(const struct xdp_buff *xdp)
{
	xfrm_xdp_count(dev_net(xdp->rxq->dev), XFRM_XDP_R_PUNT_OPTS);
	return XFRM_XDP_PUNT;
}

/*
 * XDP programs run with BH off, which is an RCU read side, but not to lockdep: where that
 * looks, the kfuncs make one of their own.
 */
static inline void xfrm_xdp_rcu_lock(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_lock();
}

static inline void xfrm_xdp_rcu_unlock(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_unlock();
}

DEFINE_LOCK_GUARD_0(xfrm_xdp_rcu, xfrm_xdp_rcu_lock(), xfrm_xdp_rcu_unlock())

#endif /* _XFRM_XDP_NOTE_H */
