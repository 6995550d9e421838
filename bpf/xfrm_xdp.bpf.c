// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's programs: XDP takes packets of known flows, netfilter learns
 * flows from the stack, tc gives decrypted packets their sec_path. They may be
 * attached to any number of devices. The flow map is for people to read: the
 * module finds flows by itself.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "action.bpf.h"
#include "kfuncs.bpf.h"

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

SEC("xdp")
int xfrm_xdp_ingress(struct xdp_md *ctx)
{
	struct bpf_xfrm_xdp_opts opts;
	int verdict;

	verdict = bpf_xdp_xfrm_forward(ctx, &opts, sizeof(opts));
	return xdp_action(verdict, &opts);
}

SEC("tcx/ingress")
int xfrm_xdp_restore(struct __sk_buff *skb)
{
	struct bpf_xfrm_xdp_opts opts;

	int ret = bpf_skb_xfrm_restore(skb, &opts, sizeof(opts));

	return ret == 0 || ret == 1 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Of an entry that stands for the same flow still only the counters are new. */
static __always_inline void flow_store(struct xfrm_xdp_flow_entry *e)
{
	struct xfrm_xdp_flow_val *val = bpf_map_lookup_elem(&flows, &e->key);

	if (val && val->handle == e->val.handle) {
		val->packets = e->val.packets;
		val->bytes = e->val.bytes;
		return;
	}
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

/* Before anything is attached. */
SEC("syscall")
int xfrm_xdp_forget(void *ctx)
{
	return bpf_xfrm_flow_forget(0);
}

/* What userspace asks of flows whose handles it has from the map. */
SEC("syscall")
int xfrm_xdp_counts(struct bpf_xfrm_flow_counts *counts)
{
	return bpf_xfrm_flow_counts(counts, sizeof(*counts));
}
