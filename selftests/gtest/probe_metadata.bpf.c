// SPDX-License-Identifier: GPL-2.0-only
/* bpf_xdp_xfrm_metadata() after bpf_xdp_xfrm_flow(), and where it has no business. */
#include "probe.bpf.h"

static __always_inline int probe_flow(struct xdp_md *ctx, const struct probe_request *req,
				      struct probe_result *res)
{
	struct bpf_xfrm_xdp_opts opts = {};

	res->verdict = bpf_xdp_xfrm_flow(ctx, req->handle, &opts, sizeof(opts));
	res->opts = opts;
	return res->verdict;
}

static __always_inline int probe_metadata(struct xdp_md *ctx, struct probe_result *res)
{
	struct bpf_xfrm_xdp_opts opts = {};
	int err;

	err = bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts));
	res->opts.sa = opts.sa;
	res->calls++;
	return err;
}

/* As it is meant: decrypt, say so, up the stack. */
SEC("xdp")
int probe(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();

	if (!req || !res)
		return XDP_ABORTED;
	if (probe_flow(ctx, req, res) != XFRM_XDP_DONE)
		return probe_action(res->verdict);
	res->metadata[0] = probe_metadata(ctx, res);
	return res->metadata[0] ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp")
int probe_twice(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();

	if (!req || !res)
		return XDP_ABORTED;
	probe_flow(ctx, req, res);
	res->metadata[0] = probe_metadata(ctx, res);
	res->metadata[1] = probe_metadata(ctx, res);
	return XDP_PASS;
}

/* The frame is no longer where it was decrypted. */
SEC("xdp")
int probe_moved(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();

	if (!req || !res)
		return XDP_ABORTED;
	probe_flow(ctx, req, res);
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_ABORTED;
	res->metadata[0] = probe_metadata(ctx, res);
	return XDP_PASS;
}

/* Nothing was decrypted in this run; the frame starts where the test says. */
SEC("xdp")
int probe_only(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();

	if (!req || !res || probe_room(ctx, req))
		return XDP_ABORTED;
	res->metadata[0] = probe_metadata(ctx, res);
	return XDP_PASS;
}

SEC("xdp")
int probe_short(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!res)
		return XDP_ABORTED;
	res->metadata[0] = bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts) - 4);
	res->opts = opts;
	res->calls++;
	return XDP_PASS;
}
