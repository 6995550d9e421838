// SPDX-License-Identifier: GPL-2.0-only
/*
 * A gateway's program as others may write one: it looks handles up in the flow map, and
 * believes whatever is there.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "action.bpf.h"
#include "kfuncs.bpf.h"
#include "parse.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* The pinned one of what is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct xfrm_xdp_flow_key);
	__type(value, struct xfrm_xdp_flow_val);
} flows SEC(".maps");

/* One packet along a flow. */
static __always_inline int flow_take(struct xdp_md *ctx, const struct xfrm_xdp_flow_key *key,
				     const struct xfrm_xdp_flow_val *val,
				     struct bpf_xfrm_xdp_opts *opts)
{
	int verdict;

	verdict = bpf_xdp_xfrm_flow(ctx, val->handle, opts, sizeof(*opts));
	if (opts->flags & XFRM_XDP_OPTS_FORGET)
		bpf_map_delete_elem(&flows, key);
	return verdict;
}

/* Along the flow of its key; PUNT where there is none. */
static __always_inline int flow_step(struct xdp_md *ctx, __u32 ifindex, __u64 sa,
				     struct bpf_xfrm_xdp_opts *opts)
{
	struct xfrm_xdp_flow_key key, esp;
	struct xfrm_xdp_flow_val *val;

	if (parse_key(ctx, ifindex, sa, &key))
		return XFRM_XDP_PUNT;
	/* To that port goes ESP for this host as well as what others forward by UDP. */
	if (!sa && !parse_encap(ctx, &key, &esp)) {
		val = bpf_map_lookup_elem(&flows, &esp);
		if (val)
			return flow_take(ctx, &esp, val, opts);
	}
	val = bpf_map_lookup_elem(&flows, &key);
	return val ? flow_take(ctx, &key, val, opts) : XFRM_XDP_PUNT;
}

#ifdef BY_MAP_FROM_PORT
static __always_inline void rewrite(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct udphdr *uh;

	if ((void *)(eth + 1) > end)
		return;
	uh = (void *)(eth + 1) + (eth->h_proto == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) :
									sizeof(struct ipv6hdr));
	if ((void *)(uh + 1) <= end && uh->dest == bpf_htons(BY_MAP_FROM_PORT))
		uh->dest = bpf_htons(BY_MAP_TO_PORT);
}
#else
static __always_inline void rewrite(struct xdp_md *ctx)
{
}
#endif

SEC("xdp")
int by_map(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts = {};
	int verdict;

	verdict = flow_step(ctx, ctx->ingress_ifindex, 0, &opts);
	if (verdict != XFRM_XDP_DONE || !opts.sa)
		return xdp_action(verdict, &opts);

	rewrite(ctx);
	/* Decrypted: the inner flow decides, or the stack, told by which SA. */
	verdict = flow_step(ctx, opts.ifindex ?: ctx->ingress_ifindex, opts.sa, &opts);
	if (verdict == XFRM_XDP_PUNT &&
	    bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts)))
		return XDP_ABORTED;
	return xdp_action(verdict, &opts);
}
