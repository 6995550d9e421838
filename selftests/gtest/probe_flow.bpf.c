// SPDX-License-Identifier: GPL-2.0-only
/* bpf_xdp_xfrm_flow() with the handle that the test asks for; bpf_xdp_xfrm_forward(). */
#include "probe.bpf.h"

static __always_inline int probe_call(struct xdp_md *ctx, const __u32 size)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts;

	if (!req || !res)
		return XDP_ABORTED;
	__builtin_memset(&opts, 0, sizeof(opts));
	for (unsigned int i = 0; i < sizeof(opts); i++)
		((__u8 *)&opts)[i] = req->fill;
	res->verdict = bpf_xdp_xfrm_flow(ctx, req->handle, &opts, size);
	res->calls++;
	res->opts = opts;
	return probe_action(res->verdict);
}

SEC("xdp.frags")
int probe(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_xdp_opts));
}

SEC("xdp")
int probe_short(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_xdp_opts) - 4);
}

SEC("xdp")
int probe_forward(struct xdp_md *ctx)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!res)
		return XDP_ABORTED;
	res->verdict = bpf_xdp_xfrm_forward(ctx, &opts, sizeof(opts));
	res->calls++;
	res->opts = opts;
	return probe_action(res->verdict);
}
