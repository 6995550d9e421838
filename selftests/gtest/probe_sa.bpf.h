/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that call one of the primitives: the kfunc named PROBE_KFUNC on
 * the SA that the test asks for, with good and with bad options.
 */
#include "probe.bpf.h"

/* More than the structure, so that a size that is too large can be passed. */
union probe_opts {
	struct bpf_xfrm_xdp_opts opts;
	__u8 bytes[sizeof(struct bpf_xfrm_xdp_opts) + 8];
};

static __always_inline int probe_call(struct xdp_md *ctx, const __u32 size)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();
	union probe_opts opts;
	struct xfrm_state *x;

	if (!req || !res)
		return XDP_ABORTED;
	res->verdict = PROBE_SETUP_FAILED;
	if (probe_room(ctx, req))
		return XDP_ABORTED;
	res->verdict = PROBE_NOT_CALLED;
	__builtin_memset(&opts, 0, sizeof(opts));
	for (unsigned int i = 0; i < sizeof(opts); i++)
		opts.bytes[i] = req->fill;

	x = probe_sa(ctx, req, res);
	if (!x)
		return XDP_PASS;
	res->tailroom = bpf_xdp_xfrm_tailroom(ctx);
	res->verdict = PROBE_KFUNC(ctx, x, &opts.opts, size);
	bpf_xdp_xfrm_state_release(x);
	res->calls++;
	res->opts = opts.opts;
	return probe_action(res->verdict);
}

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_xdp_opts));
}

SEC("xdp.frags")
int probe_frags(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_xdp_opts));
}

SEC("xdp")
int probe_tiny(struct xdp_md *ctx)
{
	return probe_call(ctx, 3);
}

SEC("xdp")
int probe_error_only(struct xdp_md *ctx)
{
	return probe_call(ctx, 4);
}

SEC("xdp")
int probe_short(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_xdp_opts) - 4);
}

SEC("xdp")
int probe_long(struct xdp_md *ctx)
{
	return probe_call(ctx, sizeof(union probe_opts));
}

/* Options in the packet that the kfunc works on. */
SEC("xdp")
int probe_in_packet(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts *opts;
	struct xfrm_state *x;

	if (!req || !res)
		return XDP_ABORTED;
	x = probe_sa(ctx, req, res);
	if (!x)
		return XDP_ABORTED;
	opts = (void *)(long)ctx->data + PROBE_OPTS_OFFSET;
	if ((void *)(opts + 1) <= (void *)(long)ctx->data_end) {
		res->verdict = PROBE_KFUNC(ctx, x, opts, sizeof(*opts));
		res->calls++;
	}
	bpf_xdp_xfrm_state_release(x);
	return probe_action(res->verdict);
}
