// SPDX-License-Identifier: GPL-2.0-only
/* Every kfunc at the hook that it is made for, and at those that it is not. */
#include "common.bpf.h"

#define CALL_FLOW(ctx)							\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_xdp_xfrm_flow((void *)(ctx), 1, &opts, sizeof(opts)); \
	})
#define CALL_FORWARD(ctx)						\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_xdp_xfrm_forward((void *)(ctx), &opts, sizeof(opts)); \
	})
#define CALL_COUNTS(ctx)						\
	bpf_xfrm_flow_counts((void *)(ctx), sizeof(struct bpf_xfrm_flow_counts))
#define CALL_COUNTS_ELSEWHERE(ctx)					\
	({								\
		__u32 few[4] = {};					\
		bpf_xfrm_flow_counts(few, sizeof(few));			\
	})
#define CALL_FORGET(ctx)	bpf_xfrm_flow_forget(0)
#define CALL_TAILROOM(ctx)	bpf_xdp_xfrm_tailroom((void *)(ctx))
#define CALL_METADATA(ctx)						\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_xdp_xfrm_metadata((void *)(ctx), &opts, sizeof(opts)); \
	})
#define CALL_RESTORE(ctx)						\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_skb_xfrm_restore((void *)(ctx), &opts, sizeof(opts)); \
	})
#define CALL_LEARN(ctx)							\
	({								\
		struct bpf_xfrm_learn_opts opts = {};			\
		bpf_xfrm_flow_learn((void *)(ctx), &opts, sizeof(opts)); \
	})
#define CALL_INPUT(ctx)							\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_xdp_xfrm_input((void *)(ctx), (void *)(ctx), &opts,	\
				   sizeof(opts));			\
	})
#define CALL_OUTPUT(ctx)						\
	({								\
		struct bpf_xfrm_xdp_opts opts = {};			\
		bpf_xdp_xfrm_output((void *)(ctx), (void *)(ctx), &opts, \
				    sizeof(opts));			\
	})

#define AT_XDP(section, name, call)					\
	SEC(section) int name(struct xdp_md *ctx)			\
	{								\
		CALL_##call(ctx);					\
		return XDP_PASS;					\
	}
#define AT_TC(section, name, call)					\
	SEC(section) int name(struct __sk_buff *ctx)			\
	{								\
		CALL_##call(ctx);					\
		return TC_ACT_OK;					\
	}
#define AT_NETFILTER(section, name, call)				\
	SEC(section) int name(struct bpf_nf_ctx *ctx)			\
	{								\
		CALL_##call(ctx);					\
		return NF_ACCEPT;					\
	}
#define AT_TRACING(section, name, call)					\
	SEC(section) int name(__u64 *ctx)				\
	{								\
		CALL_##call(ctx);					\
		return 0;						\
	}
#define AT_SYSCALL(section, name, call)					\
	SEC(section) int name(void *ctx)				\
	{								\
		CALL_##call(ctx);					\
		return 0;						\
	}

AT_XDP("xdp", flow_at_xdp, FLOW)
AT_XDP("xdp", forward_at_xdp, FORWARD)
AT_SYSCALL("syscall", counts_at_syscall, COUNTS)
AT_SYSCALL("syscall", forget_at_syscall, FORGET)
AT_XDP("xdp", tailroom_at_xdp, TAILROOM)
AT_XDP("xdp", metadata_at_xdp, METADATA)
AT_TC("tc", restore_at_tc, RESTORE)
AT_NETFILTER("netfilter", learn_at_netfilter, LEARN)

AT_TC("?tc", flow_at_tc, FLOW)
AT_TC("?tc", forward_at_tc, FORWARD)
AT_TC("?tc", counts_at_tc, COUNTS_ELSEWHERE)
AT_TC("?tc", forget_at_tc, FORGET)
AT_XDP("?xdp", counts_at_xdp, COUNTS_ELSEWHERE)
AT_XDP("?xdp", forget_at_xdp, FORGET)
AT_SYSCALL("?syscall", forward_at_syscall, FORWARD)
AT_TC("?tc", tailroom_at_tc, TAILROOM)
AT_TC("?tc", metadata_at_tc, METADATA)
AT_TC("?tc", input_at_tc, INPUT)
AT_TC("?tc", output_at_tc, OUTPUT)
AT_TC("?tc", learn_at_tc, LEARN)
AT_XDP("?xdp", restore_at_xdp, RESTORE)
AT_XDP("?xdp", learn_at_xdp, LEARN)
AT_NETFILTER("?netfilter", flow_at_netfilter, FLOW)
AT_NETFILTER("?netfilter", forward_at_netfilter, FORWARD)
AT_NETFILTER("?netfilter", tailroom_at_netfilter, TAILROOM)
AT_NETFILTER("?netfilter", metadata_at_netfilter, METADATA)
AT_NETFILTER("?netfilter", input_at_netfilter, INPUT)
AT_NETFILTER("?netfilter", output_at_netfilter, OUTPUT)
AT_NETFILTER("?netfilter", restore_at_netfilter, RESTORE)
AT_TRACING("?raw_tp/sys_enter", flow_at_tracepoint, FLOW)
AT_TRACING("?raw_tp/sys_enter", restore_at_tracepoint, RESTORE)
AT_TRACING("?raw_tp/sys_enter", learn_at_tracepoint, LEARN)
