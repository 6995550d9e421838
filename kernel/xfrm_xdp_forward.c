// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flow tier and its kfuncs: a packet along its flow, found here or named by a handle,
 * which is a hint: whether the packet is of the flow, and whether the flow still holds, is
 * decided here, so that no program can send a packet where the stack would not have sent it.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_dst.h"
#include "xfrm_xdp_find.h"
#include "xfrm_xdp_input.h"
#include "xfrm_xdp_note.h"
#include "xfrm_xdp_output.h"
#include "xfrm_xdp_parse.h"

/*
 * Is it a packet that the flow was learned for, decrypted by the same SA, or by none
 * as those were? What an SA decrypted has no business with a flow of plaintext.
 */
static int xfrm_xdp_flow_match(const struct xfrm_xdp_flow *flow,
			       const struct xdp_buff *xdp,
			       const struct xfrm_xdp_pkt *pkt, u64 sa)
{
	const struct xfrm_xdp_flow_key *key = &flow->key;
	u32 ifindex = xdp->rxq->dev->ifindex;

	if (!xfrm_xdp_pkt_is(pkt, key))
		return XFRM_XDP_R_PUNT_FLOW_MISMATCH;
	if (unlikely(key->sa != sa))
		return key->sa ? XFRM_XDP_R_PUNT_NO_PROOF : XFRM_XDP_R_PUNT_FLOW_MISMATCH;
	if (sa) {
		/* The program may have written another tuple into what was decrypted. */
		if (!xfrm_xdp_meta_is(pkt))
			return XFRM_XDP_R_PUNT_NO_PROOF;
		ifindex = xfrm_xdp_meta_ifindex();
	}
	return key->ifindex == ifindex ? XFRM_XDP_OK : XFRM_XDP_R_PUNT_FLOW_MISMATCH;
}

/* Does what the stack decided when it was learned still hold? */
static __always_inline int xfrm_xdp_forward_holds(const struct xfrm_xdp_flow *flow,
						  const struct xfrm_xdp_net *xn)
{
	if (flow->policy_gen != atomic_read(&xn->policy_gen))
		return XFRM_XDP_R_PUNT_POLICY;
	if (!xfrm_xdp_dst_holds(flow->dst, flow->cookie))
		return XFRM_XDP_R_PUNT_DST;
	return XFRM_XDP_OK;
}

/*
 * What an SA decrypts has its policy checked later: by its flow, or the stack. ESP needs no
 * policy to pass, but the UDP packet that it is in does.
 */
static __always_inline int xfrm_xdp_sa_holds(const struct xfrm_xdp_flow *flow,
					     const struct xfrm_xdp_net *xn)
{
	if (flow->addr_gen != atomic_read(&xn->addr_gen))
		return XFRM_XDP_R_PUNT_DST;
	if (flow->key.encap && READ_ONCE(flow->udp_gen) != atomic_read(&xn->policy_gen))
		return XFRM_XDP_R_PUNT_POLICY;
	/* Routes may keep ESP from this host: what the stack receives next tells. */
	return READ_ONCE(flow->routes) == xfrm_xdp_route_gen(xn->net, flow->key.family) ?
	       XFRM_XDP_OK : XFRM_XDP_R_PUNT_ROUTES;
}

/*
 * A packet that renews its SA waits in the stack's receive batch while those
 * behind it go on here. They must not move the window past it.
 */
static __always_inline int xfrm_xdp_sa_in_order(struct xfrm_xdp_flow *flow,
						const struct xfrm_xdp_pkt *pkt, int reason)
{
	unsigned int encap = flow->key.encap ? sizeof(struct udphdr) : 0;
	const struct ip_esp_hdr *esph = (const void *)(pkt->l3 + pkt->hlen + encap);
	u32 seq = ntohl(esph->seq_no);
	s32 ahead;

	if (reason == XFRM_XDP_R_PUNT_REVALIDATE)
		WRITE_ONCE(flow->renew_seq, seq);
	if (likely(reason || !READ_ONCE(flow->revalidating)))
		return reason;
	ahead = seq - READ_ONCE(flow->renew_seq);
	return ahead > 0 && ahead >= xfrm_xdp_replay_window(flow->x) / 2 ?
	       XFRM_XDP_R_PUNT_REVALIDATE : XFRM_XDP_OK;
}

/* The next hop, and the hop limit of a tunnel's header. */
static bool xfrm_xdp_forward_hop(const struct xfrm_xdp_flow *flow, union xfrm_xdp_hop *hop)
{
	const struct dst_entry *path = xfrm_dst_path(flow->dst);
	const struct xfrm_state *x = flow->dst->xfrm;

	hop->word = 0;
	if (x)
		hop->hoplimit = x->props.family == AF_INET ?
				ip4_dst_hoplimit(path) :
				ip6_dst_hoplimit((struct dst_entry *)path);
	return xfrm_xdp_neigh_copy(path, x ? &x->id.daddr :
				   (const xfrm_address_t *)flow->key.daddr, hop->mac);
}

/*
 * Checks made once per jiffy: link, neighbour, MTU, ESP on its way out. They tell where a
 * packet goes, and not whether it may: what policy or routes say is checked for each packet.
 */
static noinline int xfrm_xdp_forward_tick(struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn,
					  const struct xdp_buff *xdp, u32 now)
{
	int reason = xfrm_xdp_egress_check(xdp->rxq->dev, flow->out);
	const struct xfrm_state *x = flow->dst->xfrm;
	union xfrm_xdp_hop hop;

	if (!reason && !xfrm_xdp_dst_up(flow->dst, flow->cookie))
		reason = XFRM_XDP_R_PUNT_DST;
	if (!reason && !xfrm_xdp_forward_hop(flow, &hop))
		reason = XFRM_XDP_R_PUNT_NEIGH;
	if (!reason && x)
		reason = xfrm_xdp_leaving_check(xn, flow);
	/* No route and no generation id knows of that: ip6_forward(). */
	if (!reason && flow->key.family == AF_INET6 &&
	    !READ_ONCE(xn->net->ipv6.devconf_all->forwarding))
		reason = XFRM_XDP_R_PUNT_DST;
	/* Behind a soft limit the stack prefers another SA, where there is one. */
	if (!reason && x && flow->dying != READ_ONCE(x->km.dying))
		reason = XFRM_XDP_R_PUNT_DST;
	if (reason)
		return reason;
	if (flow->hop.word != hop.word)
		WRITE_ONCE(flow->hop.word, hop.word);
	/*
	 * To a driver that does not send from XDP only generic XDP may, and what an SA decrypts
	 * may come both ways: asked each time.
	 */
	if (unlikely(!(READ_ONCE(xfrm_xdp_vlan_real(flow->out)->xdp_features) &
		       NETDEV_XDP_ACT_NDO_XMIT)))
		now -= HZ;
	/* Pairs with xfrm_xdp_forward_check(). */
	smp_store_release(&flow->used, now);
	return XFRM_XDP_OK;
}

/*
 * What has none of the flags of a beginning or an end, and no ACK, is nothing of a connection:
 * conntrack calls it invalid, and whoever made it up must not end the flow.
 */
static noinline int xfrm_xdp_forward_tcp(const struct xfrm_xdp_pkt *pkt)
{
	const struct tcphdr *th = (const void *)(pkt->l3 + pkt->hlen);

	return tcp_flag_byte(th) & XFRM_XDP_TCP_FLAGS ? XFRM_XDP_R_PUNT_TCP_END :
							XFRM_XDP_R_PUNT_TCP_FLAGS;
}

static __always_inline int xfrm_xdp_forward_check(struct xfrm_xdp_flow *flow,
						  struct xfrm_xdp_net *xn,
						  const struct xdp_buff *xdp,
						  const struct xfrm_xdp_pkt *pkt, u32 now)
{
	const struct xfrm_state *x = flow->dst->xfrm;
	int reason;

	if (pkt->ttl <= 1)
		return XFRM_XDP_R_PUNT_TTL;
	/* Pairs with xfrm_xdp_forward_tick(): the next hop is of this jiffy. */
	if (smp_load_acquire(&flow->used) != now) {
		reason = xfrm_xdp_forward_tick(flow, xn, xdp, now);
		if (reason)
			return reason;
	}
	if (pkt->len > (x ? dst_metric_raw(flow->dst, RTAX_MTU) :
			    xfrm_xdp_dst_mtu(flow->dst)))
		return XFRM_XDP_R_PUNT_MTU;
	if (xfrm_xdp_egress_hooked(flow->out))
		return XFRM_XDP_R_PUNT_EGRESS_HOOK;
	if (flow->via) {
		reason = xfrm_xdp_iface_holds(xn, flow, pkt->len);
		if (reason)
			return reason;
	} else if (unlikely(x && x->if_id)) {
		return XFRM_XDP_R_PUNT_IFACE;
	}
	return XFRM_XDP_OK;
}

/* Out in the clear: next hop's address, TTL, no metadata on the wire. */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_forward_plain(const struct xfrm_xdp_flow *flow, struct xdp_buff *xdp,
		       const struct xfrm_xdp_pkt *pkt, bool partial,
		       struct bpf_xfrm_xdp_opts *opts)
{
	u8 *mac = pkt->l3 - xfrm_xdp_mac_len(flow->out);

	/* What was decrypted left more than a tag's room. */
	if (unlikely(mac < (u8 *)xfrm_xdp_frame_low(xdp))) {
		opts->reason = XFRM_XDP_R_PUNT_ROOM;
		return XFRM_XDP_PUNT;
	}
	if (unlikely(partial))
		xfrm_xdp_checksum_finish(pkt);
	xfrm_xdp_decrease_ttl(pkt->l3, pkt->family);
	xfrm_xdp_mac_header(mac, flow->out, READ_ONCE(flow->hop.word), pkt->family);
	xfrm_xdp_set_frame(xdp, mac, pkt->l3 + pkt->len);
	xfrm_xdp_vlan_tx(flow->out, ETH_HLEN + pkt->len);
	opts->reason = XFRM_XDP_R_FORWARD_DONE;
	return XFRM_XDP_DONE;
}

/* Out through an SA. */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_forward_sa(const struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn,
		    struct xdp_buff *xdp, const struct xfrm_xdp_pkt *pkt, bool partial,
		    struct bpf_xfrm_xdp_opts *opts)
{
	const struct xfrm_xdp_outer outer = {
		.dev = flow->out,
		.hop.word = READ_ONCE(flow->hop.word),
		/* Both MTUs of a bundle were up to date in this jiffy, or were brought there. */
		.mtu = ((struct xfrm_dst *)flow->dst)->child_mtu_cached,
		.forward = true,
		.partial = partial,
	};
	enum xfrm_xdp_verdict verdict;

	verdict = xfrm_xdp_output_packet(xdp, flow->dst->xfrm, pkt, &outer, opts);
	if (flow->via && verdict != XFRM_XDP_PUNT)
		xfrm_xdp_iface_tx(xn, flow, pkt->len, verdict != XFRM_XDP_DROP);
	return verdict;
}

static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_decrypt(struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn, struct xdp_buff *xdp,
		 const struct xfrm_xdp_pkt *pkt, struct bpf_xfrm_xdp_opts *opts)
{
	struct net_device *iface = flow->out;
	enum xfrm_xdp_verdict verdict;

	xfrm_xdp_meta_forget();
	if (xdp_data_meta_unsupported(xdp)) {
		opts->reason = XFRM_XDP_R_PUNT_METADATA;
		return XFRM_XDP_PUNT;
	}
	if (unlikely(READ_ONCE(flow->handed) &&
		     xfrm_xdp_uptake_ends(xn, flow, xdp->rxq->dev))) {
		opts->reason = XFRM_XDP_R_PUNT_NO_RESTORE;
		return XFRM_XDP_PUNT;
	}
	/* As xfrmi_lookup() finds it; key managers may give an SA another. */
	if (iface ? !(iface->flags & IFF_UP && xfrm_xdp_iface_has(iface, flow->x->if_id)) :
		    flow->x->if_id) {
		opts->reason = XFRM_XDP_R_PUNT_IFACE;
		return XFRM_XDP_PUNT;
	}
	verdict = xfrm_xdp_input_packet(xdp, flow->x, pkt, iface, opts);
	if (verdict == XFRM_XDP_DONE) {
		opts->ifindex = iface ? iface->ifindex : 0;
		opts->sa = flow->handle;
	}
	return verdict;
}

/* Of a VLAN device: what the stack will not receive by it, @len bytes as it arrived. */
static void xfrm_xdp_flow_received(const struct xfrm_xdp_flow *flow, unsigned int len,
				   enum xfrm_xdp_verdict verdict)
{
	if (flow->kind == XFRM_XDP_FLOW_FORWARD || verdict == XFRM_XDP_DROP ||
	    (verdict == XFRM_XDP_TAKEN && flow->out))
		xfrm_xdp_vlan_rx(flow->in, len);
}

static enum xfrm_xdp_verdict xfrm_xdp_punt(struct bpf_xfrm_xdp_opts *opts, int reason)
{
	opts->reason = reason;
	return XFRM_XDP_PUNT;
}

/*
 * After these the handle, or the flow, will not come back to life. An SA does when the stack
 * has passed its next packet by the new policy.
 */
static bool xfrm_xdp_reason_forgets(const struct xfrm_xdp_flow *flow, u32 reason)
{
	return (reason == XFRM_XDP_R_PUNT_POLICY && flow->kind != XFRM_XDP_FLOW_SA) ||
	       reason == XFRM_XDP_R_PUNT_DST || reason == XFRM_XDP_R_PUNT_SA_STATE ||
	       reason == XFRM_XDP_R_PUNT_TCP_END;
}

/**
 * struct xfrm_xdp_arrived - a frame as it came
 * @bytes: its length, L2 header included
 * @len: of its IP packet in bytes
 */
struct xfrm_xdp_arrived {
	unsigned int bytes;
	unsigned int len;
};

/* What has become of a packet of a flow is the flow's, too. */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_flow_took(struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn,
		   const struct xfrm_xdp_arrived *arrived, enum xfrm_xdp_verdict verdict,
		   const struct bpf_xfrm_xdp_opts *opts)
{
	if (likely(verdict == XFRM_XDP_DONE || verdict == XFRM_XDP_TAKEN)) {
		WRITE_ONCE(flow->packets, READ_ONCE(flow->packets) + 1);
		WRITE_ONCE(flow->bytes, READ_ONCE(flow->bytes) + arrived->bytes);
	}
	if (unlikely(flow->in) && verdict != XFRM_XDP_PUNT)
		xfrm_xdp_flow_received(flow, arrived->len, verdict);
	if (unlikely(verdict == XFRM_XDP_PUNT && xfrm_xdp_reason_forgets(flow, opts->reason)))
		xfrm_xdp_flow_remove(xn, flow);
	return verdict;
}

/* The two kinds of flows, if they hold. Inline: every packet takes one or both. */

static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_take_sa(struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn, struct xdp_buff *xdp,
		 const struct xfrm_xdp_pkt *pkt, const struct xfrm_xdp_arrived *arrived,
		 struct bpf_xfrm_xdp_opts *opts)
{
	u32 now = jiffies;
	int reason = xfrm_xdp_sa_holds(flow, xn) ?: xfrm_xdp_flow_fresh(flow, now);
	enum xfrm_xdp_verdict verdict;

	if (likely(!reason) && READ_ONCE(flow->used) != now)
		WRITE_ONCE(flow->used, now);
	reason = xfrm_xdp_sa_in_order(flow, pkt, reason);
	verdict = unlikely(reason) ? xfrm_xdp_punt(opts, reason) :
				     xfrm_xdp_decrypt(flow, xn, xdp, pkt, opts);
	return xfrm_xdp_flow_took(flow, xn, arrived, verdict, opts);
}

static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_take_forward(struct xfrm_xdp_flow *flow, struct xfrm_xdp_net *xn,
		      struct xdp_buff *xdp, const struct xfrm_xdp_pkt *pkt,
		      const struct xfrm_xdp_arrived *arrived, struct bpf_xfrm_xdp_opts *opts)
{
	bool partial = xfrm_xdp_checksum_partial(pkt, flow->pseudo);
	int reason = xfrm_xdp_forward_holds(flow, xn);
	enum xfrm_xdp_verdict verdict;
	u32 now = jiffies;

	if (likely(!reason))
		reason = pkt->tcp_end ? xfrm_xdp_forward_tcp(pkt) :
					xfrm_xdp_flow_fresh(flow, now);
	if (likely(!reason))
		reason = xfrm_xdp_forward_check(flow, xn, xdp, pkt, now);
	if (unlikely(partial) && !reason && xfrm_xdp_checksum_owed(xdp))
		reason = XFRM_XDP_R_PUNT_CHECKSUM;
	if (unlikely(reason)) {
		verdict = xfrm_xdp_punt(opts, reason);
	} else {
		opts->ifindex = xfrm_xdp_vlan_real(flow->out)->ifindex;
		verdict = flow->dst->xfrm ?
			  xfrm_xdp_forward_sa(flow, xn, xdp, pkt, partial, opts) :
			  xfrm_xdp_forward_plain(flow, xdp, pkt, partial, opts);
	}
	return xfrm_xdp_flow_took(flow, xn, arrived, verdict, opts);
}

/* bpf_xdp_xfrm_flow(), with options that are zeroed. */
static enum xfrm_xdp_verdict xfrm_xdp_by_handle(struct xdp_buff *xdp,
						struct xfrm_xdp_net *xn, u64 handle,
						struct bpf_xfrm_xdp_opts *opts)
{
	struct xfrm_xdp_flow *flow = xfrm_xdp_flow_get(xn, handle);
	struct xfrm_xdp_arrived arrived;
	enum xfrm_xdp_verdict verdict;
	struct xfrm_xdp_pkt pkt;
	int reason;
	u64 sa;

	if (unlikely(!flow || flow->kind >= XFRM_XDP_FLOW_LEAVING)) {
		opts->flags |= XFRM_XDP_OPTS_FORGET;
		return xfrm_xdp_punt(opts, XFRM_XDP_R_PUNT_NO_FLOW);
	}
	reason = xfrm_xdp_parse_frame(&pkt, xdp);
	sa = xfrm_xdp_meta_sa(xdp);
	/* Of what was decrypted in this run that was asked before. */
	if (likely(!reason && !sa))
		reason = xfrm_xdp_meta_been(xdp) ? XFRM_XDP_R_PUNT_NO_PROOF :
						   xfrm_xdp_frame_is_ours(xdp, &pkt, flow);
	if (likely(!reason))
		reason = xfrm_xdp_flow_match(flow, xdp, &pkt, sa);
	if (unlikely(reason))
		return xfrm_xdp_punt(opts, reason);

	arrived.len = sa ? xfrm_xdp_meta_len() : pkt.len;
	arrived.bytes = sa ? pkt.mac_len + arrived.len : xdp->data_end - xdp->data;
	verdict = flow->kind == XFRM_XDP_FLOW_SA ?
		  xfrm_xdp_take_sa(flow, xn, xdp, &pkt, &arrived, opts) :
		  xfrm_xdp_take_forward(flow, xn, xdp, &pkt, &arrived, opts);
	if (verdict == XFRM_XDP_DONE && flow->kind == XFRM_XDP_FLOW_SA)
		xfrm_xdp_meta_decrypted(xdp, handle, opts->ifindex ?: xdp->rxq->dev->ifindex,
					pkt.len);
	else if (verdict == XFRM_XDP_DONE)
		xfrm_xdp_meta_forget();
	else if (verdict == XFRM_XDP_PUNT && xfrm_xdp_reason_forgets(flow, opts->reason))
		opts->flags |= XFRM_XDP_OPTS_FORGET;
	return verdict;
}

/*
 * A packet along its flow, and what was in ESP along its own. @opts: zeroed; @sa where it was
 * decrypted: of PUNT the frame is the inner packet then, and has its metadata.
 */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_along(struct xdp_buff *xdp, struct xfrm_xdp_net *xn,
	       struct bpf_xfrm_xdp_opts *opts)
{
	struct xfrm_xdp_arrived arrived = { .bytes = xdp->data_end - xdp->data };
	u32 ifindex = xdp->rxq->dev->ifindex;
	struct xfrm_xdp_pkt pkt __uninitialized;
	enum xfrm_xdp_verdict verdict;
	struct xfrm_xdp_flow *flow;
	int reason;

	/* Has it been here before? What an SA decrypted takes no flow of plaintext. */
	reason = xfrm_xdp_meta_been(xdp) ? XFRM_XDP_R_PUNT_NO_PROOF :
					   xfrm_xdp_parse_xdp(&pkt, xdp);
	if (unlikely(reason))
		return xfrm_xdp_punt(opts, reason);
	flow = xfrm_xdp_find(xn, &pkt, ifindex, 0);
	reason = likely(flow) ? xfrm_xdp_frame_is_ours(xdp, &pkt, flow) :
				XFRM_XDP_R_PUNT_NOT_LEARNED;
	if (unlikely(reason))
		return xfrm_xdp_punt(opts, reason);

	arrived.len = pkt.len;
	if (flow->kind == XFRM_XDP_FLOW_SA) {
		verdict = xfrm_xdp_take_sa(flow, xn, xdp, &pkt, &arrived, opts);
		if (verdict != XFRM_XDP_DONE)
			return verdict;
		xfrm_xdp_note(xn, xdp, verdict, opts);
		reason = xfrm_xdp_parse_inner(&pkt, xdp);
		flow = likely(!reason) ?
		       xfrm_xdp_find(xn, &pkt, opts->ifindex ?: ifindex, opts->sa) : NULL;
		if (unlikely(!flow)) {
			verdict = xfrm_xdp_punt(opts, reason ?: XFRM_XDP_R_PUNT_NOT_LEARNED);
			goto up;
		}
	}
	verdict = xfrm_xdp_take_forward(flow, xn, xdp, &pkt, &arrived, opts);
	if (likely(verdict != XFRM_XDP_PUNT || !opts->sa))
		return verdict;
up:
	xfrm_xdp_meta_prove(xdp, opts->sa);
	return verdict;
}

__bpf_kfunc_start_defs();

/**
 * bpf_xdp_xfrm_flow() - take a packet along a learned flow
 * @ctx: Ethernet frame of one buffer
 * @handle: of the flow, from bpf_xfrm_flow_learn(): for programs that choose the flow
 *	themselves; others call bpf_xdp_xfrm_forward()
 * @opts: result
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * An inner flow is encrypted where its route says so, gets its next hop's
 * address and one hop less; DONE: redirect it to @opts->ifindex. The packet of
 * an inbound SA is decrypted; DONE: the frame is the inner packet; look its flow
 * up with @opts->sa, and @opts->ifindex if not zero, in the key and call again.
 * Where there is none, or the result is PUNT, call bpf_xdp_xfrm_metadata() and
 * return XDP_PASS.
 *
 * @opts->flags has XFRM_XDP_OPTS_FORGET where the map entry should be deleted.
 * @opts->error: -EINVAL where @opts__sz is wrong; the result is then PUNT.
 *
 * Context: XDP; takes the SA's lock.
 * Return: enum xfrm_xdp_verdict.
 */
__bpf_kfunc int bpf_xdp_xfrm_flow(struct xdp_md *ctx, u64 handle,
				  struct bpf_xfrm_xdp_opts *opts, u32 opts__sz)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct bpf_xfrm_xdp_opts result = {};
	enum xfrm_xdp_verdict verdict;
	struct xfrm_xdp_net *xn;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return xfrm_xdp_misuse(xdp);
	guard(xfrm_xdp_rcu)();
	xn = xfrm_xdp_frame_net(xdp);
	verdict = xfrm_xdp_by_handle(xdp, xn, handle, &result);
	return xfrm_xdp_verdict(xn, xdp, verdict, &result, opts);
}

/**
 * bpf_xdp_xfrm_forward() - take a packet along the flow that was learned for it
 * @ctx: Ethernet frame of one buffer
 * @opts: result
 * @opts__sz: sizeof(struct bpf_xfrm_xdp_opts) in bytes
 *
 * As bpf_xdp_xfrm_flow(), but finds the flow itself, and the inner one of what it
 * decrypts: a gateway needs to call nothing else. DONE: redirect it to @opts->ifindex.
 * PUNT: return XDP_PASS. Where @opts->sa is 0, nothing was changed; else the frame was
 * decrypted by that SA, and is the inner packet, for which no flow is known or holds, with
 * the metadata that bpf_skb_xfrm_restore() wants. What has been decrypted already is punted.
 * So is ESP by a device where bpf_skb_xfrm_restore() ran once and takes up nothing any more.
 *
 * @opts->error: -EINVAL where @opts__sz is wrong; the result is then PUNT.
 *
 * Context: XDP; takes the SA's lock.
 * Return: enum xfrm_xdp_verdict.
 */
__bpf_kfunc int bpf_xdp_xfrm_forward(struct xdp_md *ctx, struct bpf_xfrm_xdp_opts *opts,
				     u32 opts__sz)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct bpf_xfrm_xdp_opts result = {};
	enum xfrm_xdp_verdict verdict;
	struct xfrm_xdp_net *xn;

	if (!xfrm_xdp_opts_ok(opts, opts__sz, sizeof(*opts)))
		return xfrm_xdp_misuse(xdp);
	guard(xfrm_xdp_rcu)();
	xn = xfrm_xdp_frame_net(xdp);
	verdict = xfrm_xdp_along(xdp, xn, &result);
	return xfrm_xdp_verdict(xn, xdp, verdict, &result, opts);
}

__bpf_kfunc_end_defs();
