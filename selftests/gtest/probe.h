/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test tells a probe program, and what the program saw. */
#ifndef _XFRM_XDP_PROBE_H
#define _XFRM_XDP_PROBE_H

#include "xfrm_xdp_kfunc.h"

/**
 * struct probe_request - set by the test before a run
 * @daddr: of the SA, IPv4 in the first word
 * @spi: of the SA
 * @mark: to look the SA up with
 * @family: of the SA
 * @proto: of the SA
 * @fill: byte that the options are filled with before the call
 * @strip: bytes to cut from the front of the frame first, which then has that
 *	much more headroom
 * @take: bytes of headroom to take away first
 * @pad: zero
 * @handle: for bpf_xdp_xfrm_flow()
 */
struct probe_request {
	__u32 daddr[4];
	__be32 spi;
	__u32 mark;
	__u16 family;
	__u8 proto;
	__u8 fill;
	__u32 strip;
	__u32 take;
	__u32 pad;
	__u64 handle;
};

/**
 * struct probe_result - filled in by the program
 * @calls: how often the kfunc was called
 * @lookup_error: of bpf_xdp_get_xfrm_state(), 0 where it found the SA
 * @verdict: what the kfunc returned
 * @tailroom: what bpf_xdp_xfrm_tailroom() returned before the call
 * @metadata: what bpf_xdp_xfrm_metadata() returned, the first and second time
 * @opts: options after the call
 * @learn: the same of bpf_xfrm_flow_learn()
 */
struct probe_result {
	__u32 calls;
	__s32 lookup_error;
	__s32 verdict;
	__s32 tailroom;
	__s32 metadata[2];
	struct bpf_xfrm_xdp_opts opts;
	struct bpf_xfrm_learn_opts learn;
};

/* Where in the frame the options are for probe_in_packet: in the inner packet. */
#define PROBE_OPTS_OFFSET	88

#define PROBE_NOT_CALLED	(-1000)
#define PROBE_SETUP_FAILED	(-1001)

#endif /* _XFRM_XDP_PROBE_H */
