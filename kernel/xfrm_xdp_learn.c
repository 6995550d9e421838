// SPDX-License-Identifier: GPL-2.0-only
/*
 * Learning: the stack's first packet of a flow is the configuration. What
 * reaches POST_ROUTING was routed, passed the security policy and the rules, and
 * carries the route or bundle that it leaves by.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/ktime.h>
#include <linux/netfilter.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/route.h>
#include "xfrm_xdp.h"

/**
 * struct xfrm_xdp_lesson - a packet that the stack is about to send
 * @net: namespace
 * @xn: state of the module in @net
 * @in: ingress device of the packet: @port, or an xfrm interface
 * @port: device that the frame was received by: @rx, or a VLAN device on it
 * @rx: where XDP runs
 * @skb: the packet
 * @pkt: its headers
 * @headers: where @pkt points to
 * @sa: flow of the SA it was decrypted by, or NULL
 * @sa_reason: what became of that
 * @dst: route or bundle
 * @x: SA it will be encrypted by, or NULL
 * @out: egress device
 * @via: with @x: its flow to an xfrm interface, or NULL
 * @leaving: with @x: handle of the flow of its ESP packets
 * @gen: generation of the security policy
 * @routes6: xfrm_xdp_route_gen() of IPv6, of its route
 * @plain: learn flows without any SA, too
 */
struct xfrm_xdp_lesson {
	struct net *net;
	struct xfrm_xdp_net *xn;
	const struct net_device *in;
	const struct net_device *port;
	const struct net_device *rx;
	struct sk_buff *skb;
	struct xfrm_xdp_pkt pkt;
	u8 headers[XFRM_XDP_HEADERS];
	struct xfrm_xdp_flow *sa;
	int sa_reason;
	struct dst_entry *dst;
	struct xfrm_state *x;
	struct net_device *out;
	struct xfrm_xdp_flow *via;
	u64 leaving;
	u32 gen;
	u32 routes6;
	bool plain;
};

static void xfrm_xdp_learn_entry(struct bpf_xfrm_learn_opts *opts,
				 const struct xfrm_xdp_flow *flow, __be32 in_spi)
{
	struct xfrm_xdp_flow_entry *e = &opts->flow[opts->nr++];
	bool sa = flow->kind == XFRM_XDP_FLOW_SA;

	memset(e, 0, sizeof(*e));
	e->key = flow->key;
	e->val.handle = flow->handle;
	e->val.packets = READ_ONCE(flow->packets);
	e->val.bytes = READ_ONCE(flow->bytes);
	e->val.learned_ns = ktime_get_ns();
	e->val.out_ifindex = flow->out ? flow->out->ifindex : 0;
	e->val.out_spi = !sa && flow->dst->xfrm ? flow->dst->xfrm->id.spi : 0;
	e->val.in_spi = in_spi;
	e->val.kind = flow->kind;
}

/*
 * The device that received the frame, or NULL: behind an xfrm interface the one of its
 * ESP.
 */
static const struct net_device *xfrm_xdp_learn_port(const struct xfrm_xdp_lesson *l)
{
	const struct net_device *in = l->in;
	const struct sec_path *sp;
	u32 ifindex;

	if (!in || l->skb->skb_iif != in->ifindex || !netif_running(in))
		return NULL;
	if (in->type == ARPHRD_ETHER)
		return in;
	sp = skb_sec_path(l->skb);
	if (!sp || sp->len != 1)
		return NULL;
	ifindex = xfrm_xdp_iface_arrival(l->xn, sp->xvec[0]);
	return ifindex ? dev_get_by_index_rcu(l->net, ifindex) : NULL;
}

/*
 * And the one that XDP runs at. A VRF device stands for the one that received: which, the
 * stack has forgotten.
 */
static bool xfrm_xdp_learn_rx(struct xfrm_xdp_lesson *l, const struct net_device *port)
{
	l->port = port;
	if (!port || netif_is_l3_master(port) || !xfrm_xdp_vlan_taken(port))
		return false;
	l->rx = xfrm_xdp_vlan_real(port);
	l->pkt.vlan = xfrm_xdp_vlan_id(port);
	return true;
}

/*
 * Would packets find the SA? Its key has no mark: rules come after XDP. And ESP in
 * UDP is looked for at one port only. Transport mode packets of an xfrm interface are
 * not received again.
 */
static bool xfrm_xdp_learn_found(const struct xfrm_xdp_lesson *l, const struct xfrm_state *x)
{
	if (x->mark.m || (x->encap && x->encap->encap_dport != htons(XFRM_XDP_NATT_PORT)))
		return false;
	if (l->in == l->port)
		return !x->if_id;
	return x->if_id && x->if_id == xfrm_xdp_iface_id(l->in) &&
	       x->props.mode != XFRM_MODE_TRANSPORT;
}

static __be32 xfrm_xdp_encap_ports(const struct xfrm_encap_tmpl *encap)
{
	__be16 ports[2] = { encap->encap_sport, encap->encap_dport };
	__be32 res;

	memcpy(&res, ports, sizeof(res));
	return res;
}

/* The SA that the packet was decrypted by becomes, or renews, a flow. */
static struct xfrm_xdp_flow *xfrm_xdp_learn_sa(const struct xfrm_xdp_lesson *l, int *reason)
{
	struct xfrm_xdp_flow_id id = { .kind = XFRM_XDP_FLOW_SA };
	const struct sec_path *sp = skb_sec_path(l->skb);
	struct net_device *iface;
	struct xfrm_xdp_flow *flow, *old;
	u32 addr_gen, heard, routes, udp_gen;
	struct xfrm_state *x;
	bool same;

	*reason = XFRM_XDP_R_LEARN_SA_KIND;
	if (sp->len != 1 || sp->olen)
		return NULL;
	x = sp->xvec[0];
	if (xfrm_xdp_sa_check(x, XFRM_SA_DIR_IN) || !xfrm_xdp_learn_found(l, x))
		return NULL;

	xfrm_xdp_sa_key(&id.key, x);
	id.key.ifindex = l->rx->ifindex;
	id.key.vlan = l->pkt.vlan;
	if (x->encap)
		id.key.encap = xfrm_xdp_encap_ports(x->encap);

	iface = l->in == l->port ? NULL : (struct net_device *)l->in;
	addr_gen = atomic_read(&l->xn->addr_gen);
	old = xfrm_xdp_flow_find(l->xn, &id);
	/* Until a packet tells, of no generation that holds. */
	udp_gen = old ? READ_ONCE(old->udp_gen) :
			atomic_read(&l->xn->policy_gen) - 1;
	same = old && old->x == x && old->out == iface && old->addr_gen == addr_gen;
	/* What XDP decrypted says nothing about the outer packet's way. */
	if (same && xfrm_xdp_meta_was_fast(sp)) {
		*reason = XFRM_XDP_R_RENEWED;
		return old;
	}
	*reason = XFRM_XDP_R_LEARN_HOOKS;
	if (xfrm_xdp_hooks_outside(l->net, id.key.family, NF_INET_LOCAL_IN))
		return NULL;
	*reason = XFRM_XDP_R_LEARN_UNHEARD;
	if (!xfrm_xdp_heard(l->xn, &id, l->skb, &heard, &routes, &udp_gen))
		return NULL;
	*reason = XFRM_XDP_R_RENEWED;
	if (same) {
		WRITE_ONCE(old->routes, routes);
		WRITE_ONCE(old->udp_gen, udp_gen);
		xfrm_xdp_flow_renew(l->xn, old, heard);
		return old;
	}
	*reason = XFRM_XDP_R_LEARN_FULL;
	flow = xfrm_xdp_flow_alloc(&id, l->port);
	if (!flow)
		return NULL;
	xfrm_state_hold(x);
	flow->x = x;
	flow->addr_gen = addr_gen;
	flow->routes = routes;
	flow->udp_gen = udp_gen;
	flow->renewed = heard;
	flow->out = iface;
	if (xfrm_xdp_flow_insert(l->xn, flow, old)) {
		xfrm_xdp_flow_free(flow);
		return NULL;
	}
	xfrm_xdp_count(l->net, XFRM_XDP_R_LEARNED);
	*reason = XFRM_XDP_R_LEARNED;
	return flow;
}

/*
 * Was it received by @in and forwarded, not made or transformed here? Of a better next
 * hop on their own link the stack tells senders, but not those of what ESP brought.
 */
static bool xfrm_xdp_learn_forwarded(const struct xfrm_xdp_lesson *l)
{
	const struct sk_buff *skb = l->skb;
	u16 flags;

	if (skb->sk || skb->pkt_type != PACKET_HOST || xfrm_xdp_hooks_sent_on(skb))
		return false;
	if (skb->protocol == htons(ETH_P_IP)) {
		flags = IPCB(skb)->flags;
		if (secpath_exists(skb))
			flags &= ~IPSKB_DOREDIRECT;
		return flags & IPSKB_FORWARDED &&
		       !(flags & (IPSKB_XFRM_TRANSFORMED | IPSKB_REROUTED |
				  IPSKB_DOREDIRECT));
	}
	return IP6CB(skb)->iif == l->in->ifindex &&
	       !(IP6CB(skb)->flags & (IP6SKB_XFRM_TRANSFORMED | IP6SKB_REROUTED));
}

/* Would the fast path take such packets? */
static bool xfrm_xdp_learn_packet(struct xfrm_xdp_lesson *l)
{
	const struct icmphdr *icmp;

	if (xfrm_xdp_parse_skb(&l->pkt, l->headers, l->skb) || l->pkt.tcp_end ||
	    skb_vlan_tag_present(l->skb))
		return false;
	/* Of ICMP only echoes: errors and the rest are rare and concern others. */
	icmp = (const struct icmphdr *)(l->headers + l->pkt.hlen);
	if (l->pkt.proto == IPPROTO_ICMP)
		return icmp->type == ICMP_ECHO || icmp->type == ICMP_ECHOREPLY;
	if (l->pkt.proto == IPPROTO_ICMPV6)
		return icmp->type == ICMPV6_ECHO_REQUEST ||
		       icmp->type == ICMPV6_ECHO_REPLY;
	/* Of others XFRM may know ports, and the flow's key does not. */
	return l->pkt.proto == IPPROTO_TCP || l->pkt.proto == IPPROTO_UDP;
}

/* To one host, without a redirect by the stack; xfrm_xdp_learn_forwarded() has those of IPv4. */
static bool xfrm_xdp_learn_next_hop(const struct xfrm_xdp_lesson *l)
{
	if (dev_net(l->out) != l->net)
		return false;
	if (l->skb->protocol == htons(ETH_P_IP))
		return skb_rtable(l->skb)->rt_type == RTN_UNICAST;
	if (ipv6_addr_is_multicast(&ipv6_hdr(l->skb)->daddr))
		return false;
	return l->out != l->port || l->via || secpath_exists(l->skb) ||
	       !xfrm_xdp_redirected6(l->net, l->port, l->skb);
}

/* Where it goes: through one SA or none, to one next hop on Ethernet. */
static int xfrm_xdp_learn_route(struct xfrm_xdp_lesson *l)
{
	struct dst_entry *dst = skb_dst(l->skb);
	struct dst_entry *path;

	if (!dst || dst->error || dst->flags & DST_XFRM_QUEUE)
		return XFRM_XDP_R_LEARN_ROUTE;
	path = xfrm_dst_path(dst);
	if (path->lwtstate || path->error || dst->lwtstate)
		return XFRM_XDP_R_LEARN_ROUTE;
	l->dst = dst;
	l->x = dst->xfrm;
	l->out = path->dev;
	if (l->x) {
		/* What tunnels and programs a route has see packets on their way to the bundle. */
		if (xfrm_dst_child(dst) != path || ((struct xfrm_dst *)dst)->route->lwtstate)
			return XFRM_XDP_R_LEARN_ROUTE;
		if (xfrm_xdp_sa_check(l->x, XFRM_SA_DIR_OUT) ||
		    l->x->if_id != (l->via ? xfrm_xdp_iface_id(l->via->out) : 0))
			return XFRM_XDP_R_LEARN_SA_KIND;
	} else if (!l->sa && !l->plain) {
		/* Neither encrypted nor decrypted: not asked for. */
		return XFRM_XDP_R_LEARN_ROUTE;
	}
	if (!xfrm_xdp_learn_next_hop(l))
		return XFRM_XDP_R_LEARN_ROUTE;
	return xfrm_xdp_egress_check(l->rx, l->out) ? XFRM_XDP_R_LEARN_EGRESS : XFRM_XDP_OK;
}

/* The bits of a mark that rules have changed: an SA gives one, too. */
static u32 xfrm_xdp_learn_ruled(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);

	return skb->mark ^ (sp && sp->len ? xfrm_smark_get(0, sp->xvec[sp->len - 1]) : 0);
}

/*
 * Rules come after XDP and may mark by what is not in the key, so a marked packet says
 * nothing of the others of its flow; unless all of the mark is what the policy that it
 * is encrypted by selects. What was decrypted may have its mark from rules for ESP.
 */
static bool xfrm_xdp_learn_mark(const struct xfrm_xdp_lesson *l)
{
	u32 ruled = xfrm_xdp_learn_ruled(l->skb);
	const struct xfrm_mark *mark;

	if (!l->x || l->sa)
		return !ruled;
	mark = &((const struct xfrm_dst *)l->dst)->pols[0]->mark;
	return !(ruled & ~mark->m) && (l->skb->mark & mark->m) == mark->v;
}

/* A next hop that does not answer is not worth a flow, which anybody could make. */
static bool xfrm_xdp_learn_neigh(const struct xfrm_xdp_lesson *l)
{
	u8 mac[ETH_ALEN];

	return xfrm_xdp_neigh_copy(xfrm_dst_path(l->dst), l->x ? &l->x->id.daddr :
				   xfrm_xdp_pkt_daddr(&l->pkt), mac);
}

/*
 * Is what was learned before the same as what the stack does now? By what comes
 * of it: the stack makes a new bundle for each packet, from routes of each CPU.
 */
static bool xfrm_xdp_learn_same(const struct xfrm_xdp_flow *old,
				const struct xfrm_xdp_lesson *l)
{
	return old->policy_gen == l->gen && old->dst->xfrm == l->x && old->out == l->out &&
	       old->leaving == l->leaving && old->via == (l->via ? l->via->handle : 0) &&
	       xfrm_xdp_dst_valid(old->dst, old->cookie) && dst_mtu(old->dst) == dst_mtu(l->dst);
}

static struct xfrm_xdp_flow *xfrm_xdp_learn_new(const struct xfrm_xdp_lesson *l,
						const struct xfrm_xdp_flow_id *id)
{
	struct xfrm_xdp_flow *flow = xfrm_xdp_flow_alloc(id, l->port);

	if (!flow)
		return NULL;
	if (!dst_hold_safe(l->dst)) {
		xfrm_xdp_flow_free(flow);
		return NULL;
	}
	flow->dst = l->dst;
	flow->cookie = xfrm_xdp_dst_cookie(l->dst, l->routes6);
	flow->dying = l->x && READ_ONCE(l->x->km.dying);
	flow->out = l->out;
	flow->leaving = l->leaving;
	flow->via = l->via ? l->via->handle : 0;
	flow->policy_gen = l->gen;
	flow->pseudo = l->sa ? 0 : xfrm_xdp_checksum_pseudo(&l->pkt);
	return flow;
}

static void xfrm_xdp_learn_id(struct xfrm_xdp_flow_id *id, const struct xfrm_xdp_lesson *l)
{
	memset(id, 0, sizeof(*id));
	id->kind = XFRM_XDP_FLOW_FORWARD;
	xfrm_xdp_pkt_key(&id->key, &l->pkt, (l->in == l->port ? l->rx : l->in)->ifindex,
			 l->sa ? l->sa->handle : 0);
}

/* The flow of a lesson, learned or renewed. */
static struct xfrm_xdp_flow *xfrm_xdp_learn_flow(const struct xfrm_xdp_lesson *l,
						 int *reason)
{
	struct xfrm_xdp_flow_id id;
	struct xfrm_xdp_flow *flow, *old;

	xfrm_xdp_learn_id(&id, l);
	old = xfrm_xdp_flow_find(l->xn, &id);
	if (old && xfrm_xdp_learn_same(old, l)) {
		xfrm_xdp_flow_renew(l->xn, old, jiffies);
		*reason = XFRM_XDP_R_RENEWED;
		return old;
	}
	*reason = XFRM_XDP_R_LEARN_FULL;
	flow = xfrm_xdp_learn_new(l, &id);
	if (!flow)
		return NULL;
	if (xfrm_xdp_flow_insert(l->xn, flow, old)) {
		xfrm_xdp_flow_free(flow);
		return NULL;
	}
	xfrm_xdp_count(l->net, XFRM_XDP_R_LEARNED);
	*reason = XFRM_XDP_R_LEARNED;
	return flow;
}

/* What the stack decided when it forwarded the packet, before it went to its port. */
static int xfrm_xdp_learn_forward(struct xfrm_xdp_lesson *l)
{
	if (!xfrm_xdp_learn_packet(l))
		return XFRM_XDP_R_LEARN_PACKET;
	if (!xfrm_xdp_conntrack_ok(l->skb, l->pkt.proto))
		return XFRM_XDP_R_LEARN_CONNTRACK;
	l->routes6 = xfrm_xdp_route_gen(l->net, AF_INET6);
	l->gen = atomic_read(&l->xn->policy_gen);
	if (!xfrm_xdp_arrival_is(l->skb, &l->pkt, l->routes6 + l->gen))
		return XFRM_XDP_R_LEARN_CHANGED;
	return xfrm_xdp_dst_valid(l->dst, xfrm_xdp_dst_cookie(l->dst, l->routes6)) ?
	       XFRM_XDP_OK : XFRM_XDP_R_LEARN_ROUTE;
}

static int xfrm_xdp_learn_check(struct xfrm_xdp_lesson *l)
{
	int reason = xfrm_xdp_learn_route(l);

	if (!reason && !xfrm_xdp_learn_mark(l))
		reason = XFRM_XDP_R_LEARN_MARK;
	/* One that comes by an xfrm interface was looked at on its way there. */
	if (!reason)
		reason = l->via ? XFRM_XDP_OK : xfrm_xdp_learn_forward(l);
	if (!reason && !xfrm_xdp_learn_neigh(l))
		reason = XFRM_XDP_R_LEARN_NEIGH;
	if (!reason && l->x) {
		l->leaving = xfrm_xdp_leaving_handle(l->xn, l->x, l->out);
		if (!l->leaving)
			reason = XFRM_XDP_R_LEARN_FULL;
	}
	return reason;
}

/* It leaves by an xfrm interface: it will come back with a bundle. */
static int xfrm_xdp_learn_leave(struct xfrm_xdp_lesson *l)
{
	struct dst_entry *dst = skb_dst(l->skb);
	struct xfrm_xdp_flow_id id;
	int reason;

	if (!dst || dst->error || dst->lwtstate)
		return XFRM_XDP_R_LEARN_ROUTE;
	l->dst = dst;
	reason = xfrm_xdp_learn_forward(l);
	if (reason)
		return reason;
	xfrm_xdp_learn_id(&id, l);
	reason = xfrm_xdp_iface_leave(l->xn, l->skb, &id, l->port, dst, l->gen, l->routes6);
	if (!reason)
		xfrm_xdp_conntrack_let_go(l->skb, l->pkt.proto);
	/* The flow is counted when its bundle is known. */
	return reason ?: XFRM_XDP_R_RENEWED;
}

/* What came to its bundle by an xfrm interface @via, from where it came there. */
static bool xfrm_xdp_learn_back(struct xfrm_xdp_lesson *l, struct xfrm_xdp_flow *via)
{
	const struct xfrm_xdp_flow_key *key = &via->key;
	struct xfrm_xdp_flow *sa = key->sa ? xfrm_xdp_flow_get(l->xn, key->sa) : NULL;
	struct net_device *in, *rx;

	in = dev_get_by_index_rcu(l->net, key->ifindex);
	rx = in;
	if (key->sa)
		rx = sa ? dev_get_by_index_rcu(l->net, sa->key.ifindex) : NULL;
	l->pkt.vlan = key->vlan;
	if (!in || !rx || !xfrm_xdp_learn_packet(l) || !xfrm_xdp_pkt_is(&l->pkt, key))
		return false;
	l->via = via;
	l->gen = via->policy_gen;
	l->routes6 = via->cookie ?: xfrm_xdp_route_gen(l->net, AF_INET6);
	l->in = in;
	l->rx = rx;
	l->port = via->in ?: rx;
	l->sa = sa;
	return true;
}

/* Where the packet came from and by which SA; or why it teaches nothing. */
static int xfrm_xdp_learn_origin(struct xfrm_xdp_lesson *l, bool forward)
{
	if (!xfrm_xdp_learn_rx(l, xfrm_xdp_learn_port(l)))
		return XFRM_XDP_R_LEARN_NOT_FORWARDED;
	if (forward && !xfrm_xdp_learn_forwarded(l))
		return XFRM_XDP_R_LEARN_NOT_FORWARDED;
	if (!secpath_exists(l->skb))
		return XFRM_XDP_OK;
	if (xfrm_xdp_learn_ruled(l->skb))
		return XFRM_XDP_R_LEARN_MARK;
	l->sa = xfrm_xdp_learn_sa(l, &l->sa_reason);
	return l->sa ? XFRM_XDP_OK : l->sa_reason;
}

/* A packet at POST_ROUTING; the reason says what became of it. */
static int xfrm_xdp_learn_last(struct xfrm_xdp_lesson *l, const struct net_device *out,
			       struct xfrm_xdp_flow **flow)
{
	int reason;

	if (xfrm_xdp_iface_id(out))
		return xfrm_xdp_learn_leave(l);
	reason = xfrm_xdp_learn_check(l);
	if (reason)
		return reason;
	*flow = xfrm_xdp_learn_flow(l, &reason);
	/* Of one that went by an xfrm interface conntrack has heard there. */
	if (*flow && !l->via)
		xfrm_xdp_conntrack_let_go(l->skb, l->pkt.proto);
	return reason;
}

/**
 * xfrm_xdp_learn() - learn from a packet that the stack accepted
 * @state: hook: POST_ROUTING for flows and SAs, LOCAL_IN for SAs only; at PRE_ROUTING
 *	nothing is learned, but what arrived is noted
 * @skb: the packet
 * @opts: @flags of the caller; result: @reason, and entries for the flow map
 *
 * Context: BH off; RCU read side.
 * Return: the number of entries.
 */
int xfrm_xdp_learn(const struct nf_hook_state *state, struct sk_buff *skb,
		   struct bpf_xfrm_learn_opts *opts)
{
	struct xfrm_xdp_lesson l = {
		.net = state->net,
		.in = state->in,
		.skb = skb,
		.sa_reason = XFRM_XDP_R_LEARN_NOT_FORWARDED,
		.plain = opts->flags & XFRM_XDP_LEARN_PLAIN,
	};
	bool forward = state->hook == NF_INET_POST_ROUTING;
	struct xfrm_xdp_flow *via, *flow = NULL;
	int reason = XFRM_XDP_OK;
	__be32 in_spi;

	opts->reason = l.sa_reason;
	/* Test runs of a program have a hook state without namespace or device. */
	if (!l.net)
		return 0;
	l.xn = xfrm_xdp_net(l.net);
	if (unlikely(!READ_ONCE(l.xn->learns)))
		WRITE_ONCE(l.xn->learns, true);
	if (state->hook == NF_INET_PRE_ROUTING) {
		xfrm_xdp_arrival_note(state, skb);
		return 0;
	}
	if (forward && xfrm_xdp_leaving_seen(state, skb))
		return 0;
	if (xfrm_xdp_hooks_outside(l.net, state->pf, state->hook))
		reason = forward || secpath_exists(skb) ? XFRM_XDP_R_LEARN_HOOKS : l.sa_reason;
	via = forward ? xfrm_xdp_iface_sent(l.xn, skb) : NULL;
	if (!reason && (!via || !xfrm_xdp_learn_back(&l, via)))
		reason = xfrm_xdp_learn_origin(&l, forward);
	if (!reason && forward)
		reason = xfrm_xdp_learn_last(&l, state->out, &flow);
	else if (!reason && !l.sa && !xfrm_xdp_parse_skb(&l.pkt, l.headers, skb))
		xfrm_xdp_heard_note(skb, &l.pkt, l.rx);

	in_spi = l.sa ? l.sa->x->id.spi : 0;
	if (flow)
		xfrm_xdp_learn_entry(opts, flow, in_spi);
	if (l.sa)
		xfrm_xdp_learn_entry(opts, l.sa, in_spi);
	/* Of what is not forwarded, there is only the SA. */
	if (!reason)
		reason = l.sa_reason;
	opts->reason = reason;
	/* What is for this host teaches no flow, which is nothing to count. */
	if (reason != XFRM_XDP_R_LEARNED && reason != XFRM_XDP_R_RENEWED &&
	    (forward || reason != XFRM_XDP_R_LEARN_NOT_FORWARDED))
		xfrm_xdp_count(l.net, reason);
	return opts->nr;
}
