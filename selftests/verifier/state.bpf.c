// SPDX-License-Identifier: GPL-2.0-only
/* The SA: acquired, checked, used, released, in this order. */
#include "common.bpf.h"

SEC("xdp")
int good(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	if (!x)
		return XDP_PASS;
	bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	bpf_xdp_xfrm_output(ctx, x, &opts, sizeof(opts));
	bpf_xdp_xfrm_state_release(x);
	return XDP_PASS;
}

SEC("?xdp")
int input_never_released(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	if (!x)
		return XDP_PASS;
	bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	return XDP_PASS;
}

/* The kfunc does not take the reference, whatever it returns. */
SEC("?xdp")
int output_released_where_not_done(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	if (!x)
		return XDP_PASS;
	if (bpf_xdp_xfrm_output(ctx, x, &opts, sizeof(opts)) == XFRM_XDP_DONE)
		return XDP_TX;
	bpf_xdp_xfrm_state_release(x);
	return XDP_PASS;
}

SEC("?xdp")
int input_not_checked(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	if (x)
		bpf_xdp_xfrm_state_release(x);
	return XDP_PASS;
}

SEC("?xdp")
int output_not_checked(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	bpf_xdp_xfrm_output(ctx, x, &opts, sizeof(opts));
	if (x)
		bpf_xdp_xfrm_state_release(x);
	return XDP_PASS;
}

SEC("?xdp")
int input_after_release(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	if (!x)
		return XDP_PASS;
	bpf_xdp_xfrm_state_release(x);
	bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	return XDP_PASS;
}

SEC("?xdp")
int output_of_null(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};

	bpf_xdp_xfrm_output(ctx, NULL, &opts, sizeof(opts));
	return XDP_PASS;
}

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

/* Right type, but nobody vouches for it. */
SEC("?xdp")
int input_of_a_cast(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x;

	x = bpf_rdonly_cast(ctx, bpf_core_type_id_kernel(struct xfrm_state));
	bpf_xdp_xfrm_input(ctx, x, &opts, sizeof(opts));
	return XDP_PASS;
}

/* The SA that an SA points to is not the program's. */
SEC("?xdp")
int output_of_a_neighbour(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	struct xfrm_state *x = get_state(ctx);

	if (!x)
		return XDP_PASS;
	bpf_xdp_xfrm_output(ctx, x->tunnel, &opts, sizeof(opts));
	bpf_xdp_xfrm_state_release(x);
	return XDP_PASS;
}
