// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's programs: XDP takes packets of known flows, netfilter learns
 * flows from the stack, tc gives decrypted packets their sec_path. They may be
 * attached to any number of devices; all of them share one flow map.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "kfuncs.bpf.h"
#include "parse.bpf.h"

#define NF_ACCEPT	1
#define TC_ACT_UNSPEC	(-1)
#define TC_ACT_SHOT	2

/* XFRM_XDP_LEARN_*, set before loading; in a map of its own, where it can be read again. */
const volatile __u32 learn_flags SEC(".rodata.learn");

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct xfrm_xdp_flow_key);
	__type(value, struct xfrm_xdp_flow_val);
} flows SEC(".maps");

/* One packet along a flow. */
static __always_inline int flow_take(struct xdp_md *ctx, const struct xfrm_xdp_flow_key *key,
				     struct xfrm_xdp_flow_val *val, __u64 len,
				     struct bpf_xfrm_xdp_opts *opts)
{
	int verdict;

	verdict = bpf_xdp_xfrm_flow(ctx, val->handle, opts, sizeof(*opts));
	if (opts->flags & XFRM_XDP_OPTS_FORGET)
		bpf_map_delete_elem(&flows, key);
	if (verdict == XFRM_XDP_DONE || verdict == XFRM_XDP_TAKEN) {
		/*
		 * Not atomic: a flow is one queue's, and so one CPU's at a time. Where
		 * it is not, a packet may go uncounted here; the SA has it.
		 */
		val->packets++;
		val->bytes += len;
	}
	return verdict;
}

/* Along the flow of its key; PUNT where there is none. */
static __always_inline int flow_step(struct xdp_md *ctx, __u32 ifindex, __u64 sa,
				     __u64 len, struct bpf_xfrm_xdp_opts *opts)
{
	struct xfrm_xdp_flow_key key, esp;
	struct xfrm_xdp_flow_val *val;

	if (parse_key(ctx, ifindex, sa, &key))
		return XFRM_XDP_PUNT;
	/* To that port goes ESP for this host as well as what others forward by UDP. */
	if (!sa && !parse_encap(ctx, &key, &esp)) {
		val = bpf_map_lookup_elem(&flows, &esp);
		if (val)
			return flow_take(ctx, &esp, val, len, opts);
	}
	val = bpf_map_lookup_elem(&flows, &key);
	return val ? flow_take(ctx, &key, val, len, opts) : XFRM_XDP_PUNT;
}

static __always_inline int xdp_action(int verdict, const struct bpf_xfrm_xdp_opts *opts)
{
	switch (verdict) {
	case XFRM_XDP_DONE:
		return bpf_redirect(opts->ifindex, 0);
	case XFRM_XDP_DROP:
	case XFRM_XDP_TAKEN:
		return XDP_DROP;
	}
	return XDP_PASS;
}

SEC("xdp")
int xfrm_xdp_ingress(struct xdp_md *ctx)
{
	__u64 len = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
	struct bpf_xfrm_xdp_opts opts = {};
	int verdict;

	verdict = flow_step(ctx, ctx->ingress_ifindex, 0, len, &opts);
	if (verdict != XFRM_XDP_DONE || !opts.sa)
		return xdp_action(verdict, &opts);

	/* Decrypted: the inner flow decides, or the stack, told by which SA. */
	verdict = flow_step(ctx, opts.ifindex ?: ctx->ingress_ifindex, opts.sa, len, &opts);
	if (verdict == XFRM_XDP_PUNT &&
	    bpf_xdp_xfrm_metadata(ctx, &opts, sizeof(opts)))
		return XDP_ABORTED;
	return xdp_action(verdict, &opts);
}

SEC("tcx/ingress")
int xfrm_xdp_restore(struct __sk_buff *skb)
{
	struct bpf_xfrm_xdp_opts opts;

	int ret = bpf_skb_xfrm_restore(skb, &opts, sizeof(opts));

	return ret == 0 || ret == 1 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Keep the counters of an entry that stands for the same flow still. */
static __always_inline void flow_store(struct xfrm_xdp_flow_entry *e)
{
	struct xfrm_xdp_flow_val *val = bpf_map_lookup_elem(&flows, &e->key);

	if (val && val->handle == e->val.handle)
		return;
	bpf_map_update_elem(&flows, &e->key, &e->val, BPF_ANY);
}

SEC("netfilter")
int xfrm_xdp_learn(struct bpf_nf_ctx *ctx)
{
	struct bpf_xfrm_learn_opts opts;
	int nr;

	opts.flags = learn_flags;
	nr = bpf_xfrm_flow_learn(ctx, &opts, sizeof(opts));
	if (nr > 0)
		flow_store(&opts.flow[0]);
	if (nr > 1)
		flow_store(&opts.flow[1]);
	return NF_ACCEPT;
}
