// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows that conntrack has to see whole stay with the stack, and TCP windows of
 * those that leave it are not checked any more. Uses no function of the
 * nf_conntrack module, so that this one does not need it.
 */

#include "xfrm_xdp.h"

#if IS_ENABLED(CONFIG_NF_CONNTRACK)
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_l4proto.h>

static bool xfrm_xdp_ct_has_helper(const struct nf_conn *ct)
{
	const struct nf_ct_ext *ext = ct->ext;
	const struct nf_conn_help *help;

	if (!ext || !__nf_ct_ext_exist(ext, NF_CT_EXT_HELPER))
		return false;
	help = (const void *)ext + ext->offset[NF_CT_EXT_HELPER];
	return rcu_access_pointer(help->helper);
}

/**
 * xfrm_xdp_conntrack_ok() - does conntrack let this flow go?
 * @skb: packet of the flow at POST_ROUTING
 * @proto: its IP protocol
 *
 * Context: softirq, or BH off; RCU read side.
 */
bool xfrm_xdp_conntrack_ok(const struct sk_buff *skb, u8 proto)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (!ct || info == IP_CT_UNTRACKED)
		return true;
	if (ct->status & (IPS_NAT_MASK | IPS_SEQ_ADJUST) || xfrm_xdp_ct_has_helper(ct))
		return false;
	return proto != IPPROTO_TCP || nf_conntrack_tcp_established(ct);
}

/**
 * xfrm_xdp_conntrack_let_go() - a flow has been learned
 * @skb: packet of the flow at POST_ROUTING, that xfrm_xdp_conntrack_ok() took
 * @proto: its IP protocol
 *
 * As nf_flow_table does: packets that conntrack misses must not look wrong, nor do they after the
 * fast path has gone. An RST may leave the entry as it was, for its number is not that of the
 * last acknowledgment that conntrack knows. Were it made to forget that, it would take any RST
 * with the right ports, of whoever can send one.
 *
 * Context: softirq, or BH off. Takes ct->lock.
 */
void xfrm_xdp_conntrack_let_go(const struct sk_buff *skb, u8 proto)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);
	struct ip_ct_tcp *tcp;

	if (!ct || info == IP_CT_UNTRACKED || proto != IPPROTO_TCP)
		return;
	tcp = &ct->proto.tcp;
	spin_lock_bh(&ct->lock);
	tcp->seen[0].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	tcp->seen[1].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	spin_unlock_bh(&ct->lock);
}
#else
void xfrm_xdp_conntrack_let_go(const struct sk_buff *skb, u8 proto)
{
}

bool xfrm_xdp_conntrack_ok(const struct sk_buff *skb, u8 proto)
{
	return true;
}
#endif
