// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_skb_xfrm_restore() on packets that come up the stack of a device, after
 * an XDP program has put the bytes that the test asks for in front of them.
 */
#include "probe.bpf.h"

#define PROBE_TC_OK	0

/* In an Ethernet frame with IPv4 and UDP. */
#define PROBE_PAYLOAD	42

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xfrm_xdp_meta);
} meta SEC(".maps");

SEC("xdp")
int probe_forge(struct xdp_md *ctx)
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
int probe(struct __sk_buff *skb)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!res)
		return PROBE_TC_OK;
	res->verdict = bpf_skb_xfrm_restore(skb, &opts, sizeof(opts));
	res->calls++;
	res->opts = opts;
	return PROBE_TC_OK;
}

SEC("tcx/ingress")
int probe_short(struct __sk_buff *skb)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts opts = {};

	if (!res)
		return PROBE_TC_OK;
	res->verdict = bpf_skb_xfrm_restore(skb, &opts, sizeof(opts) - 4);
	res->calls++;
	res->opts = opts;
	return PROBE_TC_OK;
}

/* Options in the packet: were they written? */
SEC("tcx/ingress")
int probe_in_packet(struct __sk_buff *skb)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_xdp_opts *opts;
	__u64 before;

	if (!res)
		return PROBE_TC_OK;
	opts = (void *)(long)skb->data + PROBE_PAYLOAD;
	if ((void *)(opts + 1) > (void *)(long)skb->data_end)
		return PROBE_TC_OK;
	before = opts->sa;
	res->verdict = bpf_skb_xfrm_restore(skb, opts, sizeof(*opts));
	res->lookup_error = opts->sa != before;
	res->calls++;
	return PROBE_TC_OK;
}

/* No metadata at all. */
SEC("xdp")
int probe_plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}
