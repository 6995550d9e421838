// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that keep packet pointers and slices over a kfunc which moves the frame, and write by
 * them, and programs that rewrite what was decrypted before they say so. The verifier of 6.12
 * takes all of them.
 */
#include "probe.bpf.h"

#define PROBE_BYTES	8

/* In an Ethernet frame with IPv4 without options. */
#define PROBE_SPORT	34

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 buffer__szk) __ksym;

/* What a program has of a frame before a kfunc is called. */
struct probe_kept {
	__u64 *first;
	__u64 *last;
	__u64 *slice;
};

static __always_inline long probe_keep(struct xdp_md *ctx, struct probe_kept *kept)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 off = bpf_xdp_get_buff_len(ctx) - PROBE_BYTES;
	__u64 spare;
	struct bpf_dynptr ptr;

	if (bpf_dynptr_from_xdp(ctx, 0, &ptr))
		return -1;
	kept->slice = bpf_dynptr_slice_rdwr(&ptr, PROBE_BYTES / 2, &spare, sizeof(spare));
	kept->first = data;
	kept->last = data + (off & (PROBE_FRAME_MAX - 1));
	return !kept->slice || (void *)(kept->first + 1) > end || (void *)(kept->last + 1) > end ?
	       -1 : 0;
}

static __always_inline void probe_scribble(const struct probe_kept *kept)
{
	*kept->first = ~0ULL;
	*kept->last = ~0ULL;
	*kept->slice = ~0ULL;
}

static __always_inline int probe_flow(struct xdp_md *ctx, struct probe_result *res)
{
	struct probe_request *req = probe_request();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!req)
		return XFRM_XDP_PUNT;
	res->verdict = bpf_xdp_xfrm_flow(ctx, req->handle, &opts, sizeof(opts));
	res->opts = opts;
	res->calls++;
	return res->verdict;
}

static __always_inline int probe_metadata(struct xdp_md *ctx, struct probe_result *res)
{
	struct bpf_xfrm_xdp_opts opts = {};

	res->metadata[0] = bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts));
	return res->metadata[0];
}

/* Both ends of where the frame was, which are outside of where it is now. */
SEC("xdp")
int probe_decrypted(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();
	struct probe_kept kept;

	if (!res || probe_keep(ctx, &kept) || probe_flow(ctx, res) != XFRM_XDP_DONE)
		return XDP_ABORTED;
	probe_scribble(&kept);
	return probe_metadata(ctx, res) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp")
int probe_forwarded(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};
	struct probe_kept kept;

	if (!res || probe_keep(ctx, &kept))
		return XDP_ABORTED;
	res->verdict = bpf_xdp_xfrm_forward(ctx, &opts, sizeof(opts));
	res->opts = opts;
	res->calls++;
	probe_scribble(&kept);
	return XDP_PASS;
}

static __always_inline int probe_primitive(struct xdp_md *ctx, bool out)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};
	struct probe_kept kept;
	struct xfrm_state *x;

	if (!req || !res || probe_room(ctx, req) || probe_keep(ctx, &kept))
		return XDP_ABORTED;
	x = probe_sa(ctx, req, res);
	if (!x)
		return XDP_ABORTED;
	res->verdict = out ? bpf_xdp_xfrm_output(ctx, x, &opts, sizeof(opts)) :
			     bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	bpf_xdp_xfrm_state_release(x);
	res->opts = opts;
	res->calls++;
	probe_scribble(&kept);
	return probe_action(res->verdict);
}

SEC("xdp")
int probe_input(struct xdp_md *ctx)
{
	return probe_primitive(ctx, false);
}

SEC("xdp")
int probe_output(struct xdp_md *ctx)
{
	return probe_primitive(ctx, true);
}

/* Another source port, in what was decrypted. */
static __always_inline long probe_rewrite(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *sport = data + PROBE_SPORT;

	if ((void *)(sport + 2) > end)
		return -1;
	sport[1]++;
	return 0;
}

SEC("xdp")
int probe_rewritten(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();

	if (!res || probe_flow(ctx, res) != XFRM_XDP_DONE || probe_rewrite(ctx))
		return XDP_ABORTED;
	return probe_metadata(ctx, res) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp")
int probe_rewritten_later(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();

	if (!res || probe_flow(ctx, res) != XFRM_XDP_DONE || probe_metadata(ctx, res))
		return XDP_ABORTED;
	return probe_rewrite(ctx) ? XDP_ABORTED : XDP_PASS;
}

/* The metadata of another SA, by a pointer to where the frame was. */
SEC("xdp")
int probe_other_sa(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct probe_result *res = probe_result();
	struct xfrm_xdp_meta *meta;
	__u64 *place;

	/* Where the SA's handle will be: outer header, ESP and IV go, Ethernet moves. */
	place = data + 20 + 8 + 8 - sizeof(*meta) + offsetof(struct xfrm_xdp_meta, sa);
	if (!res || (void *)(place + 1) > end)
		return XDP_ABORTED;
	if (probe_flow(ctx, res) != XFRM_XDP_DONE || probe_metadata(ctx, res))
		return XDP_ABORTED;
	*place += 1ULL << 32;
	return XDP_PASS;
}
