// SPDX-License-Identifier: GPL-2.0-only
/* The options: memory that the program may write, as much of it as it says. */
#include "common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_xfrm_xdp_opts);
} shared SEC(".maps");

const volatile struct bpf_xfrm_xdp_opts frozen = {};
volatile __u32 any_size;

SEC("xdp")
int good(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};

	bpf_xdp_xfrm_flow(ctx, 1, &opts, sizeof(opts));
	return XDP_PASS;
}

/* A size that is bounded may vary; the kfunc refuses all but one. */
SEC("xdp")
int good_bounded(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	__u32 size = any_size;

	if (!size)
		return XDP_PASS;
	barrier_var(size);	/* two comparisons, each of which bounds it */
	if (size > sizeof(opts))
		return XDP_PASS;
	bpf_xdp_xfrm_flow(ctx, 1, &opts, size);
	return XDP_PASS;
}

SEC("xdp")
int good_in_a_map(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts *opts;
	__u32 zero = 0;

	opts = bpf_map_lookup_elem(&shared, &zero);
	if (opts)
		bpf_xdp_xfrm_flow(ctx, 1, opts, sizeof(*opts));
	return XDP_PASS;
}

SEC("?xdp")
int larger_than_the_stack(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};

	bpf_xdp_xfrm_flow(ctx, 1, &opts, 513);
	return XDP_PASS;
}

SEC("?xdp")
int larger_than_the_map_value(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts *opts;
	__u32 zero = 0;

	opts = bpf_map_lookup_elem(&shared, &zero);
	if (opts)
		bpf_xdp_xfrm_flow(ctx, 1, opts, sizeof(*opts) + 1);
	return XDP_PASS;
}

SEC("?xdp")
int unbounded(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};

	bpf_xdp_xfrm_flow(ctx, 1, &opts, any_size);
	return XDP_PASS;
}

SEC("?xdp")
int null(struct xdp_md *ctx)
{
	bpf_xdp_xfrm_flow(ctx, 1, NULL, sizeof(struct bpf_xfrm_xdp_opts));
	return XDP_PASS;
}

SEC("?xdp")
int null_of_no_size(struct xdp_md *ctx)
{
	bpf_xdp_xfrm_flow(ctx, 1, NULL, 0);
	return XDP_PASS;
}

SEC("?xdp")
int map_value_not_checked(struct xdp_md *ctx)
{
	__u32 zero = 0;

	bpf_xdp_xfrm_flow(ctx, 1, bpf_map_lookup_elem(&shared, &zero),
			  sizeof(struct bpf_xfrm_xdp_opts));
	return XDP_PASS;
}

SEC("?xdp")
int read_only(struct xdp_md *ctx)
{
	bpf_xdp_xfrm_flow(ctx, 1, (struct bpf_xfrm_xdp_opts *)&frozen, sizeof(frozen));
	return XDP_PASS;
}

SEC("?xdp")
int number_for_a_pointer(struct xdp_md *ctx)
{
	bpf_xdp_xfrm_flow(ctx, 1, (struct bpf_xfrm_xdp_opts *)(long)any_size,
			  sizeof(struct bpf_xfrm_xdp_opts));
	return XDP_PASS;
}

SEC("?xdp")
int context_moved(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};

	bpf_xdp_xfrm_flow((void *)ctx + 8, 1, &opts, sizeof(opts));
	return XDP_PASS;
}
