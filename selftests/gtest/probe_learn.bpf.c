// SPDX-License-Identifier: GPL-2.0-only
/* bpf_xfrm_flow_learn() on what BPF_PROG_TEST_RUN hands a netfilter program. */
#include "probe.bpf.h"

#define PROBE_NF_ACCEPT	1

static __always_inline int probe_call(struct bpf_nf_ctx *ctx, const __u32 size, __u32 flags)
{
	struct probe_result *res = probe_result();
	struct bpf_xfrm_learn_opts opts = { .flags = flags };

	if (!res)
		return PROBE_NF_ACCEPT;
	res->verdict = bpf_xfrm_flow_learn(ctx, &opts, size);
	res->calls++;
	res->learn = opts;
	return PROBE_NF_ACCEPT;
}

SEC("netfilter")
int probe(struct bpf_nf_ctx *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_learn_opts), XFRM_XDP_LEARN_PLAIN);
}

SEC("netfilter")
int probe_short(struct bpf_nf_ctx *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_learn_opts) - 8, 0);
}

SEC("netfilter")
int probe_flags(struct bpf_nf_ctx *ctx)
{
	return probe_call(ctx, sizeof(struct bpf_xfrm_learn_opts), ~XFRM_XDP_LEARN_PLAIN);
}
