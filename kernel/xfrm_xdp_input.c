// SPDX-License-Identifier: GPL-2.0-only
/*
 * One packet in through one SA, tunnel mode: the order of xfrm_input() with
 * esp_input() and xfrm_inner_mode_encap_remove(), on an XDP frame. What fails
 * before the transform is punted, for then the stack ends it with its own
 * counters and audit records; what fails after it is dropped with the same.
 */

#include <linux/netdevice.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "xfrm_xdp.h"

/**
 * struct xfrm_xdp_inner - what came out of ESP
 * @l3: inner IP header
 * @len: bytes of payload, TFC padding included
 * @proto: its EtherType
 */
struct xfrm_xdp_inner {
	u8 *l3;
	unsigned int len;
	__be16 proto;
};

/* The checks of xfrm_input() before the transform, in its order. */
static int xfrm_xdp_input_admit(struct xfrm_xdp_frame *f)
{
	struct xfrm_state *x = f->x;
	int reason = XFRM_XDP_OK;

	spin_lock(&x->lock);
	if (unlikely(x->km.state != XFRM_STATE_VALID)) {
		reason = XFRM_XDP_R_PUNT_SA_STATE;
	} else if (unlikely(xfrm_xdp_replay_check(x, f->seq) != XFRM_XDP_REPLAY_NEW)) {
		reason = XFRM_XDP_R_PUNT_SA_REPLAY;
	} else if (unlikely(xfrm_xdp_sa_hard_limit(x))) {
		reason = XFRM_XDP_R_PUNT_SA_EXPIRED;
	} else {
		/* Cannot fail here; sends the soft expiry and the first use. */
		xfrm_state_check_expire(x);
		f->seq_hi = htonl(xfrm_replay_seqhi(x, f->seq));
	}
	spin_unlock(&x->lock);
	return reason;
}

/* The replay state may have moved while the packet was being decrypted. */
static int xfrm_xdp_input_recheck(struct xfrm_xdp_frame *f)
{
	struct xfrm_state *x = f->x;
	enum xfrm_xdp_replay seen;

	if (x->repl_mode == XFRM_REPLAY_MODE_ESN &&
	    f->seq_hi != htonl(xfrm_replay_seqhi(x, f->seq))) {
		x->stats.replay_window++;
		return XFRM_XDP_R_DROP_REPLAY;
	}
	seen = xfrm_xdp_replay_check(x, f->seq);
	if (likely(seen == XFRM_XDP_REPLAY_NEW))
		return XFRM_XDP_OK;
	if (seen == XFRM_XDP_REPLAY_OLD)
		x->stats.replay_window++;
	else if (seen == XFRM_XDP_REPLAY_DUP)
		x->stats.replay++;
	xfrm_xdp_audit_replay(x, f);
	return XFRM_XDP_R_DROP_REPLAY;
}

/* esp_remove_trailer(): how much payload, and of what protocol, or nothing. */
static int xfrm_xdp_input_trailer(const struct xfrm_xdp_frame *f,
				  struct xfrm_xdp_inner *inner)
{
	struct crypto_aead *aead = f->x->data;
	unsigned int alen = crypto_aead_authsize(aead);
	unsigned int hlen = sizeof(struct ip_esp_hdr) + crypto_aead_ivsize(aead);
	const u8 *tail = f->esph + f->len - alen - 2;
	unsigned int elen = f->len - hlen;

	if (tail[0] + 2 + alen >= elen || tail[1] == IPPROTO_NONE)
		return -EINVAL;
	inner->l3 = f->esph + hlen;
	inner->len = elen - alen - tail[0] - 2;
	return tail[1];
}

/* xfrm_input() from "resume" on, to the point where the SA's part ends. */
static int xfrm_xdp_input_account(struct xfrm_xdp_frame *f, int err,
				  struct xfrm_xdp_inner *inner, u8 *proto)
{
	struct xfrm_state *x = f->x;
	struct net *net = xs_net(x);
	int nexthdr = 0;
	int reason;

	if (likely(!err))
		nexthdr = xfrm_xdp_input_trailer(f, inner);

	spin_lock(&x->lock);
	if (unlikely(err || nexthdr < 0)) {
		if (err == -EBADMSG) {
			xfrm_xdp_audit_icvfail(x, f);
			x->stats.integrity_failed++;
		}
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEPROTOERROR);
		reason = err == -EBADMSG ? XFRM_XDP_R_DROP_ICV :
			 err ? XFRM_XDP_R_DROP_CRYPTO : XFRM_XDP_R_DROP_TRAILER;
		goto unlock;
	}
	reason = xfrm_xdp_input_recheck(f);
	if (unlikely(reason)) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATESEQERROR);
		goto unlock;
	}
	xfrm_xdp_replay_advance(x, f->seq);
	x->curlft.bytes += inner->len;
	x->curlft.packets++;
	x->lastused = ktime_get_real_seconds();
	*proto = nexthdr;
unlock:
	spin_unlock(&x->lock);
	return reason;
}

/* xfrm4_remove_tunnel_encap(): DSCP and ECN (RFC 6040) from the outer header. */
static int xfrm_xdp_decap_ip4(const struct xfrm_xdp_frame *f,
			      struct xfrm_xdp_inner *inner)
{
	struct iphdr *iph = (struct iphdr *)inner->l3;

	if (inner->len < sizeof(*iph))
		return XFRM_XDP_R_DROP_MODE;
	if (f->x->props.flags & XFRM_STATE_DECAP_DSCP)
		ipv4_copy_dscp(f->tos, iph);
	if (!(f->x->props.flags & XFRM_STATE_NOECN) && INET_ECN_is_ce(f->tos))
		IP_ECN_set_ce(iph);
	inner->proto = htons(ETH_P_IP);
	return XFRM_XDP_OK;
}

static int xfrm_xdp_decap_ip6(const struct xfrm_xdp_frame *f,
			      struct xfrm_xdp_inner *inner)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)inner->l3;

	if (inner->len < sizeof(*ip6h))
		return XFRM_XDP_R_DROP_MODE;
	if (f->x->props.flags & XFRM_STATE_DECAP_DSCP)
		ipv6_copy_dscp(f->tos, ip6h);
	if (!(f->x->props.flags & XFRM_STATE_NOECN) && INET_ECN_is_ce(f->tos) &&
	    !INET_ECN_is_not_ect(ipv6_get_dsfield(ip6h)))
		ipv6_change_dsfield(ip6h, 0xff, INET_ECN_CE);
	inner->proto = htons(ETH_P_IPV6);
	return XFRM_XDP_OK;
}

/* All that follows the transform; the same for those that complete later. */
static int xfrm_xdp_input_finish(struct xfrm_xdp_frame *f, int err,
				 struct xfrm_xdp_inner *inner)
{
	int reason;
	u8 proto;

	xfrm_xdp_esp_restore(f);
	reason = xfrm_xdp_input_account(f, err, inner, &proto);
	if (unlikely(reason))
		return reason;

	if (proto == IPPROTO_IPIP)
		reason = xfrm_xdp_decap_ip4(f, inner);
	else if (proto == IPPROTO_IPV6)
		reason = xfrm_xdp_decap_ip6(f, inner);
	else
		reason = XFRM_XDP_R_DROP_MODE;
	if (unlikely(reason))
		XFRM_INC_STATS(xs_net(f->x), LINUX_MIB_XFRMINSTATEMODEERROR);
	return reason;
}

/* The Ethernet header moves up to the inner packet, with its EtherType. */
static u8 *xfrm_xdp_input_mac(u8 *l3, const u8 *mac, __be16 proto)
{
	struct ethhdr *eth = (struct ethhdr *)(l3 - ETH_HLEN);

	memmove(eth, mac, 2 * ETH_ALEN);
	eth->h_proto = proto;
	return (u8 *)eth;
}

/* A frame that the crypto layer took: up the stack with its sec_path. */
static void xfrm_xdp_input_done(struct xfrm_xdp_frame *f, int err)
{
	struct net *net = xs_net(f->x);
	struct xfrm_xdp_inner inner;
	struct sk_buff *skb;
	int reason;
	u8 *mac;

	if (READ_ONCE(f->x->km.state) != XFRM_STATE_VALID) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEINVALID);
		reason = XFRM_XDP_R_DROP_STATE;
		goto drop;
	}
	reason = xfrm_xdp_input_finish(f, err, &inner);
	if (reason)
		goto drop;

	reason = XFRM_XDP_R_DROP_NOMEM;
	mac = xfrm_xdp_input_mac(inner.l3, f->mac, inner.proto);
	skb = xfrm_xdp_frame_to_skb(f, mac, ETH_HLEN + inner.len);
	if (!skb)
		goto drop;
	skb->protocol = eth_type_trans(skb, f->dev);
	skb_reset_network_header(skb);
	if (xfrm_xdp_meta_secpath(skb, f->x)) {
		kfree_skb(skb);
		goto drop;
	}
	netif_rx(skb);
	return;
drop:
	xfrm_xdp_count(net, reason);
}

/* Where the transform works on the packet, and what it needs to know of it. */
static void xfrm_xdp_input_place(struct xfrm_xdp_frame *f, u8 *mac,
				 const struct xfrm_xdp_pkt *pkt)
{
	f->mac = mac;
	f->l3 = mac + ETH_HLEN;
	f->esph = f->l3 + pkt->hlen;
	f->len = pkt->len - pkt->hlen;
	f->family = pkt->family;
	f->tos = pkt->tos;
}

static int xfrm_xdp_input_copied(struct xfrm_xdp_frame *f,
				 const struct xfrm_xdp_pkt *pkt,
				 struct xfrm_xdp_inner *inner, bool *taken)
{
	u8 *page = f->page + XFRM_XDP_FRAME_ROOM;
	unsigned int offset;
	int reason;
	int err;

	memcpy(page, pkt->l3 - ETH_HLEN, ETH_HLEN + pkt->len);
	xfrm_xdp_input_place(f, page, pkt);
	f->done = xfrm_xdp_input_done;
	err = xfrm_xdp_esp_decrypt(f);
	if (err == -EINPROGRESS) {
		/* From here on @f belongs to its completion. */
		xfrm_xdp_frame_taken();
		*taken = true;
		return XFRM_XDP_R_INPUT_TAKEN;
	}
	reason = xfrm_xdp_input_finish(f, err, inner);
	if (likely(!reason)) {
		offset = inner->l3 - f->l3;
		memcpy(pkt->l3 + offset, inner->l3, inner->len);
		inner->l3 = pkt->l3 + offset;
	}
	xfrm_xdp_frame_release(f);
	return reason;
}

static int xfrm_xdp_input_inplace(struct xfrm_xdp_frame *f,
				  const struct xfrm_xdp_pkt *pkt,
				  struct xfrm_xdp_inner *inner)
{
	xfrm_xdp_input_place(f, pkt->l3 - ETH_HLEN, pkt);
	return xfrm_xdp_input_finish(f, xfrm_xdp_esp_decrypt(f), inner);
}

/* Is there an ESP header, an IV, a block and an ICV? */
static int xfrm_xdp_input_check(const struct xfrm_state *x,
				const struct xfrm_xdp_pkt *pkt)
{
	struct crypto_aead *aead = x->data;
	unsigned int least = sizeof(struct ip_esp_hdr) + crypto_aead_ivsize(aead) +
			     xfrm_xdp_esp_clen(x, 0) + crypto_aead_authsize(aead);
	const struct ip_esp_hdr *esph = (const void *)(pkt->l3 + pkt->hlen);

	if (pkt->proto != IPPROTO_ESP || pkt->len - pkt->hlen < least)
		return XFRM_XDP_R_PUNT_ESP_SHORT;
	if (esph->spi != x->id.spi || pkt->family != x->props.family)
		return XFRM_XDP_R_PUNT_FLOW_MISMATCH;
	if (ETH_HLEN + pkt->len > XFRM_XDP_FRAME_DATA)
		return XFRM_XDP_R_PUNT_ROOM;
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_input() - one packet in through one SA
 * @xdp: frame with an Ethernet header, the outer header and ESP
 * @x: SA that passed xfrm_xdp_sa_check() for XFRM_SA_DIR_IN
 * @pkt: the outer packet
 * @opts: result: @reason, @spi and @seq
 *
 * DONE: @xdp holds the Ethernet header and the inner packet, TFC padding
 * included, no metadata. The inner packet has not been looked at.
 *
 * Context: softirq, or BH off; RCU read side. Takes x->lock.
 * Return: one of the four verdicts.
 */
enum xfrm_xdp_verdict xfrm_xdp_input(struct xdp_buff *xdp,
				     struct xfrm_state *x,
				     const struct xfrm_xdp_pkt *pkt,
				     struct bpf_xfrm_xdp_opts *opts)
{
	bool copy = xfrm_xdp_must_copy(x, xdp);
	struct xfrm_xdp_inner inner;
	struct xfrm_xdp_frame *f;
	bool taken = false;
	int reason;

	f = xfrm_xdp_frame_get();
	reason = f ? xfrm_xdp_input_check(x, pkt) : XFRM_XDP_R_PUNT_NO_FRAME;
	if (unlikely(reason))
		goto punt;

	f->x = x;
	f->dev = xdp->rxq->dev;
	f->seq = ((struct ip_esp_hdr *)(pkt->l3 + pkt->hlen))->seq_no;
	opts->spi = x->id.spi;
	opts->seq = ntohl(f->seq);
	if (copy && !xfrm_xdp_frame_hold(f)) {
		reason = XFRM_XDP_R_PUNT_SA_STATE;
		goto punt;
	}
	reason = xfrm_xdp_input_admit(f);
	if (unlikely(reason)) {
		if (copy)
			xfrm_xdp_frame_release(f);
		goto punt;
	}

	opts->reason = XFRM_XDP_R_INPUT_DONE;
	reason = copy ? xfrm_xdp_input_copied(f, pkt, &inner, &taken) :
			xfrm_xdp_input_inplace(f, pkt, &inner);
	if (unlikely(reason)) {
		opts->reason = reason;
		return taken ? XFRM_XDP_TAKEN : XFRM_XDP_DROP;
	}
	xfrm_xdp_set_frame(xdp, xfrm_xdp_input_mac(inner.l3, xdp->data, inner.proto),
			   inner.l3 + inner.len);
	return XFRM_XDP_DONE;
punt:
	opts->reason = reason;
	return XFRM_XDP_PUNT;
}
