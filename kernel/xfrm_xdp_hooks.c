// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detect rules or programs of others outside the learner's hooks. What arrives is noted before
 * all rules, and learned behind all of them. But netfilter links of BPF cannot have the very
 * first and last priority, which chains of nftables can; and of hooks of one priority the later
 * one comes before the others. So who stands outside is looked at, where something is learned:
 * a chain that comes later ends flows as any rule does, within the interval.
 */

#include <linux/bpf.h>
#include <linux/netfilter.h>
#include "xfrm_xdp.h"

/*
 * Of programs for netfilter only ours have functions of modules to call: the kernel lets them
 * have none of its own but those that all programs may call.
 */
static bool xfrm_xdp_hooks_learner(const struct bpf_prog *prog)
{
	return prog->aux->kfunc_btf_tab;
}

/**
 * xfrm_xdp_hooks_sent_on() - tell whether a hook sent the packet on, and not the IP layer
 * @skb: packet that looks forwarded
 *
 * IPVS does from LOCAL_IN, and rules send copies (TEE, dup). Of IPv4 a flag tells, of which
 * copies have their own; ip6_forward() leaves none.
 *
 * Context: BH off.
 */
bool xfrm_xdp_hooks_sent_on(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IP_VS)
	if (skb->ipvs_property)
		return true;
#endif
	return __this_cpu_read(nf_skb_duplicated);
}

/*
 * What the kernel registers by itself does not matter: nf_confirm(), ip_sabotage_in() and
 * defragmentation take no packet away. xtables cannot be told from these by their type, but
 * their tables have priorities of their own, well inside.
 */
static bool xfrm_xdp_hooks_before(const struct nf_hook_entries *e, bool first)
{
	struct nf_hook_ops **ops;
	unsigned int i, nr;

	if (!e)
		return true;
	ops = nf_hook_entries_get_hook_ops(e);
	for (i = 0; i < e->num_hook_entries; i++) {
		nr = first ? i : e->num_hook_entries - 1 - i;
		switch (READ_ONCE(ops[nr])->hook_ops_type) {
		case NF_HOOK_OP_UNDEFINED:
			continue;
		case NF_HOOK_OP_BPF:
			return !xfrm_xdp_hooks_learner(e->hooks[nr].priv);
		default:
			return true;
		}
	}
	return true;
}

/**
 * xfrm_xdp_hooks_outside() - detect hooks before the learner or behind it
 * @net: namespace
 * @family: of the packet
 * @hook: where it is learned from, behind all rules: POST_ROUTING or LOCAL_IN
 *
 * Flows are compared with what arrived, noted before all rules of PRE_ROUTING; SAs are not.
 *
 * Context: RCU read side.
 * Return: whether it does; also where there is no learner.
 */
bool xfrm_xdp_hooks_outside(const struct net *net, u8 family, unsigned int hook)
{
	struct nf_hook_entries __rcu * const *hooks = family == AF_INET ? net->nf.hooks_ipv4 :
									  net->nf.hooks_ipv6;

	if (hook == NF_INET_POST_ROUTING &&
	    xfrm_xdp_hooks_before(rcu_dereference(hooks[NF_INET_PRE_ROUTING]), true))
		return true;
	return xfrm_xdp_hooks_before(rcu_dereference(hooks[hook]), false);
}
