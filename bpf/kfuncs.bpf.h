/* SPDX-License-Identifier: GPL-2.0-only */
/* The kfuncs of the xfrm_xdp module, as a BPF program declares them. */
#ifndef _XFRM_XDP_KFUNCS_BPF_H
#define _XFRM_XDP_KFUNCS_BPF_H

#include "xfrm_xdp_kfunc.h"

extern int bpf_xdp_xfrm_input(struct xdp_md *ctx, struct xfrm_state *x,
			      struct bpf_xfrm_xdp_opts *opts, __u32 opts__sz) __ksym;
extern int bpf_xdp_xfrm_output(struct xdp_md *ctx, struct xfrm_state *x,
			       struct bpf_xfrm_xdp_opts *opts, __u32 opts__sz) __ksym;
extern int bpf_xdp_xfrm_flow(struct xdp_md *ctx, __u64 handle,
			     struct bpf_xfrm_xdp_opts *opts, __u32 opts__sz) __ksym;
extern int bpf_xdp_xfrm_forward(struct xdp_md *ctx, struct bpf_xfrm_xdp_opts *opts,
				__u32 opts__sz) __ksym;
extern int bpf_xdp_xfrm_metadata(struct xdp_md *ctx, struct bpf_xfrm_xdp_opts *opts,
				 __u32 opts__sz) __ksym;
extern int bpf_xdp_xfrm_tailroom(struct xdp_md *ctx) __ksym;
extern int bpf_skb_xfrm_restore(struct __sk_buff *skb,
				struct bpf_xfrm_xdp_opts *opts, __u32 opts__sz) __ksym;
/* @opts: struct bpf_xfrm_learn_opts */
extern int bpf_xfrm_flow_learn(struct bpf_nf_ctx *ctx, void *opts,
			       __u32 opts__sz) __ksym;
/* @counts: struct bpf_xfrm_flow_counts */
extern int bpf_xfrm_flow_counts(void *counts, __u32 counts__sz) __ksym;
extern int bpf_xfrm_flow_forget(__u32 flags) __ksym;

#endif
