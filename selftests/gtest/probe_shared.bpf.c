// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kfunc with its options in a map that other CPUs and userspace write at the same time.
 * Of the maps the first element is that; the others must stay as they are.
 */
#include "probe.bpf.h"

#define PROBE_TC_OK	0
#define PROBE_NF_ACCEPT	1

/* The largest of the options but for those of bpf_xfrm_flow_counts(). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_xfrm_learn_opts);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_xfrm_flow_counts);
} counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xfrm_xdp_meta);
} meta SEC(".maps");

static __always_inline void *probe_shared(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero);
}

static __always_inline void probe_called(bool ok)
{
	struct probe_result *res = probe_result();

	if (res)
		__sync_fetch_and_add(ok ? &res->calls : (__u32 *)&res->lookup_error, 1);
}

static __always_inline int probe_primitive(struct xdp_md *ctx, bool out)
{
	struct probe_request *req = probe_request();
	struct bpf_xfrm_xdp_opts *opts = probe_shared();
	struct probe_result res = {};
	struct xfrm_state *x;
	int verdict;

	x = req && opts ? probe_sa(ctx, req, &res) : NULL;
	if (!x)
		return XDP_ABORTED;
	verdict = out ? bpf_xdp_xfrm_output(ctx, x, opts, sizeof(*opts)) :
			bpf_xdp_xfrm_input(ctx, x, opts, sizeof(*opts));
	bpf_xdp_xfrm_state_release(x);
	probe_called(verdict == XFRM_XDP_PUNT);
	return XDP_DROP;
}

SEC("xdp")
int probe_output(struct xdp_md *ctx)
{
	return probe_primitive(ctx, true);
}

SEC("xdp")
int probe_input(struct xdp_md *ctx)
{
	return probe_primitive(ctx, false);
}

SEC("xdp")
int probe_flow(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts *opts = probe_shared();

	if (opts)
		probe_called(bpf_xdp_xfrm_flow(ctx, 0, opts, sizeof(*opts)) == XFRM_XDP_PUNT);
	return XDP_DROP;
}

SEC("xdp")
int probe_forward(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts *opts = probe_shared();

	if (opts)
		probe_called(bpf_xdp_xfrm_forward(ctx, opts, sizeof(*opts)) == XFRM_XDP_PUNT);
	return XDP_DROP;
}

SEC("xdp")
int probe_metadata(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts *opts = probe_shared();

	if (opts)
		probe_called(bpf_xdp_xfrm_metadata(ctx, opts, sizeof(*opts)) == -2);
	return XDP_DROP;
}

/* Up the stack with the metadata of a decrypted packet, for the next two. */
SEC("xdp")
int probe_decrypted(struct xdp_md *ctx)
{
	struct xfrm_xdp_meta *wanted, *there;
	__u32 zero = 0;

	wanted = bpf_map_lookup_elem(&meta, &zero);
	if (!wanted || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*there)))
		return XDP_ABORTED;
	there = (void *)(long)ctx->data_meta;
	if ((void *)(there + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*there = *wanted;
	return XDP_PASS;
}

SEC("tcx/ingress")
int probe_restore(struct __sk_buff *skb)
{
	struct bpf_xfrm_xdp_opts *opts = probe_shared();

	if (opts)
		probe_called(bpf_skb_xfrm_restore(skb, opts, sizeof(*opts)) == 1);
	return PROBE_TC_OK;
}

SEC("tcx/ingress")
int probe_restore_quietly(struct __sk_buff *skb)
{
	struct bpf_xfrm_xdp_opts opts;

	bpf_skb_xfrm_restore(skb, &opts, sizeof(opts));
	return PROBE_TC_OK;
}

SEC("netfilter")
int probe_learn(struct bpf_nf_ctx *ctx)
{
	struct bpf_xfrm_learn_opts *opts = probe_shared();

	if (opts)
		probe_called(bpf_xfrm_flow_learn(ctx, opts, sizeof(*opts)) == 1);
	return PROBE_NF_ACCEPT;
}

SEC("syscall")
int probe_counts(void *ctx)
{
	struct bpf_xfrm_flow_counts *counts;
	__u32 zero = 0;
	int err;

	counts = bpf_map_lookup_elem(&counted, &zero);
	if (!counts)
		return 0;
	/* What userspace writes may be too many. */
	err = bpf_xfrm_flow_counts(counts, sizeof(*counts));
	probe_called(!err || err == -22);
	return 0;
}
