/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoint: what became of each packet that a kfunc was called for. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xfrm_xdp

#if !defined(_XFRM_XDP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XFRM_XDP_TRACE_H

#include <linux/tracepoint.h>
#include <linux/netdevice.h>
#include "xfrm_xdp_kfunc.h"

#ifndef XFRM_XDP_TRACE_REASONS
#define XFRM_XDP_TRACE_REASON(id, name, text) { XFRM_XDP_R_##id, name },
#define XFRM_XDP_TRACE_REASONS						\
	XFRM_XDP_REASONS(XFRM_XDP_TRACE_REASON) { -1, NULL }
#endif

TRACE_EVENT(xfrm_xdp_packet,
	TP_PROTO(const struct net_device *dev, u32 verdict,
		 const struct bpf_xfrm_xdp_opts *opts),
	TP_ARGS(dev, verdict, opts),
	TP_STRUCT__entry(
		__field(int, ifindex)
		__field(u32, verdict)
		__field(u32, reason)
		__field(u32, spi)
		__field(u32, seq)
	),
	TP_fast_assign(
		__entry->ifindex = dev->ifindex;
		__entry->verdict = verdict;
		__entry->reason = opts->reason;
		__entry->spi = ntohl(opts->spi);
		__entry->seq = opts->seq;
	),
	TP_printk("ifindex=%d verdict=%s reason=%s spi=0x%08x seq=%u",
		  __entry->ifindex,
		  __print_symbolic(__entry->verdict,
				   { XFRM_XDP_PUNT, "punt" },
				   { XFRM_XDP_DONE, "done" },
				   { XFRM_XDP_DROP, "drop" },
				   { XFRM_XDP_TAKEN, "taken" }),
		  __print_symbolic(__entry->reason, XFRM_XDP_TRACE_REASONS),
		  __entry->spi, __entry->seq)
);

#endif /* _XFRM_XDP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE xfrm_xdp_trace
#include <trace/define_trace.h>
