/* SPDX-License-Identifier: GPL-2.0-only */
/* What the probe programs have in common. */
#ifndef _XFRM_XDP_PROBE_BPF_H
#define _XFRM_XDP_PROBE_BPF_H

#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../../bpf/kfuncs.bpf.h"
#include "probe.h"

#define PROBE_FRAME_MAX	4096

extern struct xfrm_state *
bpf_xdp_get_xfrm_state(struct xdp_md *ctx, struct bpf_xfrm_state_opts *opts,
		       __u32 opts__sz) __ksym;
extern void bpf_xdp_xfrm_state_release(struct xfrm_state *x) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_request);
} request SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_result);
} result SEC(".maps");

struct probe_scratch {
	__u8 bytes[PROBE_FRAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_scratch);
} scratch SEC(".maps");

static __always_inline struct probe_request *probe_request(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&request, &zero);
}

static __always_inline struct probe_result *probe_result(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&result, &zero);
}

static __always_inline struct xfrm_state *
probe_sa(struct xdp_md *ctx, const struct probe_request *req,
	 struct probe_result *res)
{
	struct bpf_xfrm_state_opts opts = {
		.netns_id = BPF_F_CURRENT_NETNS,
		.mark = req->mark,
		.spi = req->spi,
		.proto = req->proto,
		.family = req->family,
	};
	struct xfrm_state *x;

	__builtin_memcpy(&opts.daddr, req->daddr, sizeof(opts.daddr));
	x = bpf_xdp_get_xfrm_state(ctx, &opts, sizeof(opts));
	res->lookup_error = opts.error;
	return x;
}

/* Move the whole frame @req->take bytes towards the start of its buffer. */
static __always_inline long probe_take(struct xdp_md *ctx, __u32 take)
{
	__u32 len = bpf_xdp_get_buff_len(ctx);
	struct probe_scratch *buf;
	__u32 zero = 0;

	buf = bpf_map_lookup_elem(&scratch, &zero);
	if (!buf || len < 1 || len >= PROBE_FRAME_MAX)
		return -1;
	len &= PROBE_FRAME_MAX - 1;
	if (!len || bpf_xdp_load_bytes(ctx, 0, buf->bytes, len))
		return -1;
	if (bpf_xdp_adjust_head(ctx, -(int)take))
		return -1;
	if (bpf_xdp_store_bytes(ctx, 0, buf->bytes, len))
		return -1;
	return bpf_xdp_adjust_tail(ctx, -(int)take);
}

/* The room that the test wants in the frame. */
static __always_inline long probe_room(struct xdp_md *ctx,
				       const struct probe_request *req)
{
	if (req->strip && bpf_xdp_adjust_head(ctx, req->strip))
		return -1;
	if (req->take && probe_take(ctx, req->take))
		return -1;
	return 0;
}

static __always_inline int probe_action(int verdict)
{
	switch (verdict) {
	case XFRM_XDP_PUNT:
		return XDP_PASS;
	case XFRM_XDP_DONE:
		return XDP_TX;
	case XFRM_XDP_DROP:
	case XFRM_XDP_TAKEN:
		return XDP_DROP;
	}
	return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";

#endif /* _XFRM_XDP_PROBE_BPF_H */
