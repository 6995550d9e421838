/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of a packet: its counter, and the tracepoint. */
#ifndef _XFRM_XDP_NOTE_H
#define _XFRM_XDP_NOTE_H

#include "xfrm_xdp.h"
#include "xfrm_xdp_trace.h"

/**
 * xfrm_xdp_note() - count and trace what became of a packet
 * @xdp: frame
 * @verdict: of the kfunc, or of a part of it
 * @opts: its result
 *
 * Context: XDP, RCU read side.
 */
static inline void xfrm_xdp_note(const struct xdp_buff *xdp, enum xfrm_xdp_verdict verdict,
				 const struct bpf_xfrm_xdp_opts *opts)
{
	xfrm_xdp_net_count(xfrm_xdp_net_rcu(dev_net(xdp->rxq->dev)), opts->reason);
	trace_xfrm_xdp_packet(xdp->rxq->dev, verdict, opts);
}

#endif /* _XFRM_XDP_NOTE_H */
