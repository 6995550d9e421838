// SPDX-License-Identifier: GPL-2.0-only
/* What bpf_xdp_xfrm_flow() has decrypted is brought to the fast path once more. */
#include "probe.bpf.h"

typedef int (*probe_step)(struct xdp_md *ctx, const struct probe_request *req,
			  struct bpf_xfrm_xdp_opts *opts);

static __always_inline int probe_forward(struct xdp_md *ctx, const struct probe_request *req,
					 struct bpf_xfrm_xdp_opts *opts)
{
	return bpf_xdp_xfrm_forward(ctx, opts, sizeof(*opts));
}

static __always_inline int probe_flow(struct xdp_md *ctx, const struct probe_request *req,
				      struct bpf_xfrm_xdp_opts *opts)
{
	return bpf_xdp_xfrm_flow(ctx, req->handle, opts, sizeof(*opts));
}

static __always_inline int probe_call(struct xdp_md *ctx, bool prove, const probe_step again)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!req || !res)
		return XDP_ABORTED;
	if (probe_flow(ctx, req, &opts) != XFRM_XDP_DONE)
		return XDP_ABORTED;
	if (prove && bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts)))
		return XDP_ABORTED;
	__builtin_memset(&opts, 0, sizeof(opts));
	res->verdict = again(ctx, req, &opts);
	res->calls++;
	res->opts = opts;
	return probe_action(res->verdict);
}

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	return probe_call(ctx, false, probe_forward);
}

SEC("xdp")
int probe_proven(struct xdp_md *ctx)
{
	return probe_call(ctx, true, probe_forward);
}

SEC("xdp")
int probe_proven_flow(struct xdp_md *ctx)
{
	return probe_call(ctx, true, probe_flow);
}
