// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kfuncs, but for those of the flow tier (xfrm_xdp_forward.c): thin wrappers that check
 * the options, call the work, count and trace. As with all kfuncs the interface is not stable.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <linux/nsproxy.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <net/ip.h>
#include <net/netfilter/nf_bpf_link.h>
#include "xfrm_xdp_checksum.h"
#include "xfrm_xdp_outer.h"

#define CREATE_TRACE_POINTS
#include "xfrm_xdp_note.h"

/* What both primitives ask before they touch anything. */
static int xfrm_xdp_primitive(struct xfrm_xdp_pkt *pkt, const struct xdp_buff *xdp,
			      const struct xfrm_state *x, u8 dir)
{
	/* Late completions work in the SA's namespace, which only the device keeps alive. */
	if (xs_net((struct xfrm_state *)x) != dev_net(xdp->rxq->dev))
		return XFRM_XDP_R_PUNT_SA_KIND;
	/* The interface, and its counters, are the flow's to know. */
	if (x->if_id)
		return XFRM_XDP_R_PUNT_SA_KIND;
	/* A frame has no mark. */
	if (dir == XFRM_SA_DIR_IN && (x->props.smark.m || x->props.smark.v))
		return XFRM_XDP_R_PUNT_SA_KIND;
	return xfrm_xdp_sa_check(x, dir) ?: xfrm_xdp_parse_frame(pkt, xdp);
}

__bpf_kfunc_start_defs();

/**
 * bpf_xdp_xfrm_input() - decrypt an ESP packet by an SA and undo what its mode did
 * @ctx: Ethernet frame of one buffer with the outer IP header and ESP, in UDP where
 *	the SA says so, without options, extension headers or fragments
 * @x: SA from bpf_xdp_get_xfrm_state(), of the device's namespace, in tunnel,
 *	transport or BEET mode, without output mark, interface id or offload
 * @opts: result: @error, @reason, @spi and @seq
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * One 802.1Q tag may be in the frame, and stays.
 *
 * Follows xfrm_input(): state, replay window, lifetime, ICV, window again,
 * counters of the SA, ECN and DSCP. DONE: the frame is the inner packet behind
 * the Ethernet header of the outer one; it carries no proof, and the inner
 * packet has been checked against no policy: that is the caller's duty.
 * TAKEN: the packet goes up the stack with its sec_path when it is decrypted.
 *
 * @opts->error: -EINVAL where @opts__sz is wrong; the result is then PUNT.
 *
 * Context: XDP; takes the SA's lock.
 * Return: enum xfrm_xdp_verdict.
 */
__bpf_kfunc int bpf_xdp_xfrm_input(struct xdp_md *ctx, struct xfrm_state *x,
				   struct bpf_xfrm_xdp_opts *opts, u32 opts__sz)
{
	enum xfrm_xdp_verdict verdict = XFRM_XDP_PUNT;
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct bpf_xfrm_xdp_opts result = {};
	struct xfrm_xdp_pkt pkt;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return xfrm_xdp_misuse(xdp);
	guard(xfrm_xdp_rcu)();
	result.reason = xfrm_xdp_primitive(&pkt, xdp, x, XFRM_SA_DIR_IN);
	if (likely(!result.reason))
		verdict = xfrm_xdp_input(xdp, x, &pkt, NULL, &result);
	return xfrm_xdp_verdict(xfrm_xdp_frame_net(xdp), xdp, verdict, &result, opts);
}

/**
 * bpf_xdp_xfrm_output() - encrypt an IP packet by an SA, as its mode says
 * @ctx: Ethernet frame of one buffer with an IPv4 or IPv6 packet, without
 *	options, extension headers or fragments
 * @x: SA from bpf_xdp_get_xfrm_state(), as for bpf_xdp_xfrm_input(); it may have an
 *	output mark, which is for the route only
 * @opts: result: @error, @reason, @spi and @seq
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * One 802.1Q tag may be in the frame, and stays. There is no flow that knows where TCP and
 * UDP may come with the sum of the pseudo-header for a checksum, so each packet is looked at;
 * it is finished, but in generic mode, where the sk_buff would have it finished again: PUNT.
 *
 * Follows xfrm_output_one(). A tunnel's hop limit is the namespace's default, the
 * inner one stays. DONE: the frame is the ESP packet behind the Ethernet
 * header of the inner one, with the EtherType of the outer; next hop and MTU are
 * the caller's. TAKEN: the packet is routed by the host when it is encrypted.
 *
 * @opts->error: -EINVAL where @opts__sz is wrong; the result is then PUNT.
 *
 * Context: XDP; takes the SA's lock.
 * Return: enum xfrm_xdp_verdict.
 */
__bpf_kfunc int bpf_xdp_xfrm_output(struct xdp_md *ctx, struct xfrm_state *x,
				    struct bpf_xfrm_xdp_opts *opts, u32 opts__sz)
{
	enum xfrm_xdp_verdict verdict = XFRM_XDP_PUNT;
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct xfrm_xdp_outer outer = { .mtu = IP_MAX_MTU };
	struct bpf_xfrm_xdp_opts result = {};
	struct xfrm_xdp_pkt pkt;
	struct net *net;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return xfrm_xdp_misuse(xdp);
	guard(xfrm_xdp_rcu)();
	net = xs_net(x);
	outer.hop.hoplimit = x->props.family == AF_INET ?
			 READ_ONCE(net->ipv4.sysctl_ip_default_ttl) :
			 READ_ONCE(net->ipv6.devconf_all->hop_limit);
	result.reason = xfrm_xdp_primitive(&pkt, xdp, x, XFRM_SA_DIR_OUT);
	if (likely(!result.reason)) {
		outer.partial = xfrm_xdp_checksum_partial(&pkt, xfrm_xdp_checksum_pseudo(&pkt));
		if (unlikely(outer.partial && xfrm_xdp_checksum_owed(xdp)))
			result.reason = XFRM_XDP_R_PUNT_CHECKSUM;
	}
	if (likely(!result.reason))
		verdict = xfrm_xdp_output(xdp, x, &pkt, &outer, &result);
	return xfrm_xdp_verdict(xfrm_xdp_frame_net(xdp), xdp, verdict, &result, opts);
}

/**
 * bpf_xdp_xfrm_metadata() - tell the stack which SA a packet was decrypted by
 * @ctx: frame that bpf_xdp_xfrm_flow() has decrypted in this run of the program,
 *	at the place where it was left
 * @opts: result: @error, @sa
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * Puts struct xfrm_xdp_meta in front of the frame, with a proof of the SA and the
 * inner tuple that only the kernel can make; bpf_skb_xfrm_restore() turns it into
 * a sec_path, and drops a decrypted packet that came without.
 *
 * Context: XDP.
 * Return: 0; -ENOENT where it is not that frame; -EINVAL where @opts__sz is wrong
 * (also in @opts->error).
 */
__bpf_kfunc int bpf_xdp_xfrm_metadata(struct xdp_md *ctx, struct bpf_xfrm_xdp_opts *opts,
				      u32 opts__sz)
{
	struct bpf_xfrm_xdp_opts result = {};
	int err;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return -EINVAL;
	guard(xfrm_xdp_rcu)();
	err = xfrm_xdp_meta_store((struct xdp_buff *)ctx, &result);
	*opts = result;
	return err;
}

/**
 * bpf_xdp_xfrm_tailroom() - room behind the packet
 * @ctx: frame
 *
 * Context: XDP.
 * Return: bytes by which the packet may grow at its end without moving; 0 for a
 * frame of more than one buffer.
 */
__bpf_kfunc int bpf_xdp_xfrm_tailroom(struct xdp_md *ctx)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;

	if (xdp_buff_has_frags(xdp))
		return 0;
	return xdp_data_hard_end(xdp) - xdp->data_end;
}

/**
 * bpf_skb_xfrm_restore() - turn the metadata of a decrypted packet into a sec_path
 * @skb: packet at tc ingress
 * @opts: result: @error, @reason, @sa and @spi; not in the packet
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * Context: tc ingress.
 * Return: 1 restored; 2 drop the packet: an xfrm interface received a copy of it;
 * 0 the packet has no metadata of ours; negative: drop the packet: -EPERM the
 * metadata was not written by the kernel for this packet, -ESTALE its SA is gone,
 * -ENOMEM, -ENOBUFS the sec_path is full, -EINVAL @opts__sz is wrong (also in
 * @opts->error) or @opts in the packet.
 */
__bpf_kfunc int bpf_skb_xfrm_restore(struct __sk_buff *skb,
				     struct bpf_xfrm_xdp_opts *opts, u32 opts__sz)
{
	struct sk_buff *buff = (struct sk_buff *)skb;
	struct bpf_xfrm_xdp_opts result = {};
	int err;

	/*
	 * Not in the packet: others may share its head, and the verifier has it unshared for
	 * what the program itself writes there only.
	 */
	if ((u8 *)opts >= buff->head && (u8 *)opts < skb_end_pointer(buff))
		return -EINVAL;
	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return -EINVAL;
	err = xfrm_xdp_meta_restore(buff, &result);
	*opts = result;
	return err;
}

/**
 * bpf_xfrm_flow_learn() - learn the flow and the SA of a packet in the stack
 * @ctx: packet at NF_INET_POST_ROUTING, after everything that may drop or change
 *	it, or at NF_INET_LOCAL_IN for the SA only; and at NF_INET_PRE_ROUTING before
 *	everything, for only what leaves as it arrived is learned
 * @opts: struct bpf_xfrm_learn_opts, @flags of the caller, result: entries for the
 *	flow map; void because the verifier takes no array of structures by its type
 * @opts__sz: sizeof(struct bpf_xfrm_learn_opts) in bytes
 *
 * Learns only what was received, accepted and forwarded, through an SA in either
 * direction unless @flags has XFRM_XDP_LEARN_PLAIN, in a form that
 * bpf_xdp_xfrm_flow() takes; renews what it knows.
 *
 * Context: netfilter hook.
 * Return: the number of entries in @opts->flow, 0 to 2, or -EINVAL where
 * @opts__sz or @flags is wrong (also in @opts->error).
 */
__bpf_kfunc int bpf_xfrm_flow_learn(struct bpf_nf_ctx *ctx, void *opts, u32 opts__sz)
{
	struct bpf_xfrm_learn_opts *learn = opts;
	struct bpf_xfrm_learn_opts result = {};
	int nr;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*learn)))
		return -EINVAL;
	result.flags = READ_ONCE(learn->flags);
	if (result.flags & ~XFRM_XDP_LEARN_PLAIN) {
		result.error = -EINVAL;
		nr = -EINVAL;
	} else {
		/* What this host sends passes its hooks in process context. */
		local_bh_disable();
		nr = xfrm_xdp_learn(ctx->state, ctx->skb, &result);
		local_bh_enable();
	}
	*learn = result;
	return nr;
}

/*
 * The namespace that the calling task is root of. Callbacks of bpf_wq and bpf_timer are nobody's:
 * they would have the first namespace, and all capabilities.
 */
static const struct net *xfrm_xdp_caller_net(void)
{
	const struct net *net;

	if (!in_task() || current->flags & PF_KTHREAD || !current->nsproxy)
		return NULL;
	net = current->nsproxy->net_ns;
	return ns_capable(net->user_ns, CAP_NET_ADMIN) ? net : NULL;
}

/**
 * bpf_xfrm_flow_counts() - how much of some flows the fast path has finished
 * @counts: struct bpf_xfrm_flow_counts, @nr and handles of the caller; void as for
 *	bpf_xfrm_flow_learn()
 * @counts__sz: sizeof(struct bpf_xfrm_flow_counts) in bytes
 *
 * The flow map has what it was when the stack last renewed the flow. Of another network
 * namespace than the caller's there is no such flow.
 *
 * Context: process.
 * Return: 0; -EINVAL where @counts__sz or @nr is wrong; -EPERM where the caller is no user task
 * with CAP_NET_ADMIN in the user namespace of its network namespace (all also in
 * @counts->error).
 */
__bpf_kfunc int bpf_xfrm_flow_counts(void *counts, u32 counts__sz)
{
	struct bpf_xfrm_flow_counts *c = counts;
	const struct net *net;
	u64 packets, bytes;
	u32 i, nr;

	if (!xfrm_xdp_opts_ok(counts, counts__sz, sizeof(*c)))
		return -EINVAL;
	net = xfrm_xdp_caller_net();
	if (!net) {
		c->error = -EPERM;
		return -EPERM;
	}
	nr = READ_ONCE(c->nr);
	if (nr > XFRM_XDP_COUNTS_MAX) {
		c->error = -EINVAL;
		return -EINVAL;
	}
	for (i = 0; i < nr; i++) {
		if (!xfrm_xdp_flow_counts(xfrm_xdp_net(net), READ_ONCE(c->flow[i].handle),
					  &packets, &bytes))
			c->flow[i].handle = 0;
		c->flow[i].packets = packets;
		c->flow[i].bytes = bytes;
	}
	c->error = 0;
	return 0;
}

/**
 * bpf_xfrm_flow_forget() - forget all flows of the caller's network namespace
 * @flags: none is known yet: 0
 *
 * For who attaches programs: what was learned for those before, perhaps with other flags,
 * is not for these.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL where @flags is not 0; -EPERM where the caller is no user task with
 * CAP_NET_ADMIN in the user namespace of its network namespace.
 */
__bpf_kfunc int bpf_xfrm_flow_forget(u32 flags)
{
	const struct net *net;

	if (flags)
		return -EINVAL;
	net = xfrm_xdp_caller_net();
	if (!net)
		return -EPERM;
	/* A learner that was just detached may still be at work. */
	synchronize_net();
	xfrm_xdp_uptake_forget(xfrm_xdp_net(net));
	xfrm_xdp_flow_purge(xfrm_xdp_net(net));
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(xfrm_xdp_xdp_ids)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_input, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_output, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_flow, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_forward, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_metadata, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xdp_xfrm_tailroom, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(xfrm_xdp_xdp_ids)

BTF_KFUNCS_START(xfrm_xdp_tc_ids)
BTF_ID_FLAGS(func, bpf_skb_xfrm_restore, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(xfrm_xdp_tc_ids)

BTF_KFUNCS_START(xfrm_xdp_nf_ids)
BTF_ID_FLAGS(func, bpf_xfrm_flow_learn, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(xfrm_xdp_nf_ids)

BTF_KFUNCS_START(xfrm_xdp_syscall_ids)
BTF_ID_FLAGS(func, bpf_xfrm_flow_counts, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_xfrm_flow_forget, KF_SLEEPABLE)
BTF_KFUNCS_END(xfrm_xdp_syscall_ids)

static const struct btf_kfunc_id_set xfrm_xdp_xdp_set = {
	.owner = THIS_MODULE,
	.set = &xfrm_xdp_xdp_ids,
};

static const struct btf_kfunc_id_set xfrm_xdp_tc_set = {
	.owner = THIS_MODULE,
	.set = &xfrm_xdp_tc_ids,
};

static const struct btf_kfunc_id_set xfrm_xdp_nf_set = {
	.owner = THIS_MODULE,
	.set = &xfrm_xdp_nf_ids,
};

static const struct btf_kfunc_id_set xfrm_xdp_syscall_set = {
	.owner = THIS_MODULE,
	.set = &xfrm_xdp_syscall_ids,
};

/* Registrations end with the module; there is nothing to undo. */
int __init xfrm_xdp_bpf_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &xfrm_xdp_xdp_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_SCHED_CLS, &xfrm_xdp_tc_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_NETFILTER, &xfrm_xdp_nf_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &xfrm_xdp_syscall_set);
}
