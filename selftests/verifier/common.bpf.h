/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs have in common that the verifier accepts or rejects. */
#ifndef _XFRM_XDP_VERIFIER_BPF_H
#define _XFRM_XDP_VERIFIER_BPF_H

#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "../../bpf/kfuncs.bpf.h"

extern struct xfrm_state *
bpf_xdp_get_xfrm_state(struct xdp_md *ctx, struct bpf_xfrm_state_opts *opts,
		       __u32 opts__sz) __ksym;
extern void bpf_xdp_xfrm_state_release(struct xfrm_state *x) __ksym;

#define TC_ACT_OK	0
#define NF_ACCEPT	1
#define AF_INET		2

static __always_inline struct xfrm_state *get_state(struct xdp_md *ctx)
{
	struct bpf_xfrm_state_opts opts = {
		.netns_id = BPF_F_CURRENT_NETNS,
		.proto = IPPROTO_ESP,
		.family = AF_INET,
	};

	return bpf_xdp_get_xfrm_state(ctx, &opts, sizeof(opts));
}

char _license[] SEC("license") = "GPL";

#endif /* _XFRM_XDP_VERIFIER_BPF_H */
