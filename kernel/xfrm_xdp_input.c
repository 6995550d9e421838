// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not inline of one packet in through one SA (xfrm_xdp_input.h): frames that the
 * crypto layer took, SAs that need a closer look, and ESP in UDP.
 */

#include <net/ip6_checksum.h>
#include "xfrm_xdp_input.h"

/**
 * xfrm_xdp_input_admit_slow() - the checks of xfrm_input() before the transform, in its order
 * @f: the packet: @x and @seq; result: @seq_hi
 *
 * Context: softirq, or BH off; RCU read side. Takes x->lock.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_input_admit_slow(struct xfrm_xdp_frame *f)
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
		xfrm_xdp_sa_used(x);
		f->seq_hi = htonl(xfrm_replay_seqhi(x, f->seq));
	}
	spin_unlock(&x->lock);
	return reason;
}

/**
 * xfrm_xdp_input_room() - a frame with little room in front has enough for what comes out
 * @x: SA
 * @xdp: frame with ESP
 * @esp: bytes from its IP header to ESP
 *
 * The inner packet gets metadata in front of it, where the headers of ESP were; without a
 * tunnel's header it may grow by one.
 *
 * Context: XDP.
 */
bool xfrm_xdp_input_room(const struct xfrm_state *x, const struct xdp_buff *xdp,
			 unsigned int esp)
{
	return x->props.mode == XFRM_MODE_TUNNEL &&
	       xfrm_xdp_headroom(xdp) + (int)(esp + sizeof(struct ip_esp_hdr) +
	       crypto_aead_ivsize(x->data)) >= (int)sizeof(struct xfrm_xdp_meta);
}

/* What udp_rcv() checks before it looks into the packet. */
static bool xfrm_xdp_input_udp_ok(const struct xfrm_xdp_pkt *pkt, const struct udphdr *uh)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)pkt->l3;
	const struct iphdr *iph = (const struct iphdr *)pkt->l3;
	unsigned int len = pkt->len - pkt->hlen;
	__wsum csum;

	if (ntohs(uh->len) != len)
		return false;
	if (!uh->check)
		return pkt->family == AF_INET;
	csum = csum_partial(uh, len, 0);
	return !(pkt->family == AF_INET ?
		 csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_UDP, csum) :
		 csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_UDP, csum));
}

/**
 * xfrm_xdp_input_encap_ok() - is it ESP in UDP from where the SA says?
 * @x: SA with a UDP header
 * @pkt: the outer packet
 *
 * The ports may change meanwhile: a packet is then taken as one that came before. One from
 * elsewhere is the stack's, which tells the key manager.
 *
 * Context: any.
 */
bool xfrm_xdp_input_encap_ok(const struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt)
{
	const struct udphdr *uh = (const struct udphdr *)(pkt->l3 + pkt->hlen);

	return pkt->proto == IPPROTO_UDP &&
	       uh->source == READ_ONCE(x->encap->encap_sport) &&
	       xfrm_addr_equal(xfrm_xdp_pkt_saddr(pkt), &x->props.saddr,
			       x->props.family) &&
	       xfrm_xdp_input_udp_ok(pkt, uh);
}

/**
 * xfrm_xdp_input_done() - a frame that the crypto layer took: up the stack with its sec_path
 * @f: the frame
 * @err: of its request
 *
 * Context: BH off; RCU read side.
 */
void xfrm_xdp_input_done(struct xfrm_xdp_frame *f, int err)
{
	struct net *net = xs_net(f->x);
	struct xfrm_xdp_inner inner;
	unsigned int mac_len;
	struct sk_buff *skb;
	int reason;
	u8 *mac;

	if (READ_ONCE(f->x->km.state) != XFRM_STATE_VALID) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEINVALID);
		xfrm_xdp_input_count(f->iface, 0, false);
		reason = XFRM_XDP_R_DROP_STATE;
		goto drop;
	}
	reason = xfrm_xdp_input_finish(f, err, &inner);
	if (reason)
		goto drop;

	reason = XFRM_XDP_R_DROP_NOMEM;
	/* An xfrm interface receives untagged, whatever ESP came in. */
	mac_len = f->iface ? ETH_HLEN : f->mac_len;
	mac = xfrm_xdp_input_mac(&inner, f->mac, mac_len);
	skb = xfrm_xdp_frame_to_skb(f, mac, mac_len + inner.len);
	if (!skb)
		goto drop;
	skb->protocol = eth_type_trans(skb, f->dev);
	skb_reset_network_header(skb);
	skb->ip_summed = xfrm_xdp_meta_checksum(f->x);
	if (xfrm_xdp_meta_secpath(skb, f->x)) {
		kfree_skb(skb);
		goto drop;
	}
	if (f->iface) {
		xfrm_xdp_iface_rx(skb, f->iface);
	} else {
		xfrm_xdp_esp_decrypted_at(f->dev);
		netif_rx(skb);
	}
	return;
drop:
	xfrm_xdp_count(net, reason);
}

/**
 * xfrm_xdp_input() - one packet in through one SA
 * @xdp: frame with an Ethernet header, the outer header and ESP
 * @x: SA that passed xfrm_xdp_sa_check() for XFRM_SA_DIR_IN
 * @pkt: the outer packet
 * @iface: xfrm interface that receives the inner packet, or NULL
 * @opts: result: @reason, @spi and @seq
 *
 * DONE: @xdp holds the link-layer header and the inner packet, TFC padding
 * included, no metadata. The inner packet has not been looked at.
 *
 * Context: softirq, or BH off; RCU read side. Takes x->lock.
 * Return: one of the four verdicts.
 */
enum xfrm_xdp_verdict xfrm_xdp_input(struct xdp_buff *xdp,
				     struct xfrm_state *x,
				     const struct xfrm_xdp_pkt *pkt,
				     struct net_device *iface,
				     struct bpf_xfrm_xdp_opts *opts)
{
	return xfrm_xdp_input_packet(xdp, x, pkt, iface, opts);
}
