// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not inline of one packet out through one SA (xfrm_xdp_output.h): frames that the
 * crypto layer took, and how they leave.
 */

#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include "xfrm_xdp_output.h"

/* Only the caller of the primitive knew the next hop: route as the host does. */
static void xfrm_xdp_output_route(struct net *net, struct sk_buff *skb, u8 family)
{
	struct flowi6 fl6 = { .flowi6_mark = skb->mark };
	struct flowi4 fl4 = { .flowi4_mark = skb->mark };
	struct dst_entry *dst;
	struct rtable *rt;

	skb_pull(skb, skb_network_offset(skb));
	skb->dev = NULL;
	skb->protocol = family == AF_INET ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	if (family == AF_INET) {
		fl4.saddr = ip_hdr(skb)->saddr;
		fl4.daddr = ip_hdr(skb)->daddr;
		rt = ip_route_output_key(net, &fl4);
		dst = IS_ERR(rt) ? NULL : &rt->dst;
	} else {
		fl6.saddr = ipv6_hdr(skb)->saddr;
		fl6.daddr = ipv6_hdr(skb)->daddr;
		dst = ip6_route_output(net, NULL, &fl6);
		if (dst->error) {
			dst_release(dst);
			dst = NULL;
		}
	}
	if (!dst) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMOUTERROR);
		kfree_skb(skb);
		return;
	}
	skb_dst_set(skb, dst);
	dst_output(net, NULL, skb);
}

/**
 * xfrm_xdp_output_done() - send on a frame that the crypto layer took
 * @f: the frame
 * @err: of its request
 *
 * Context: BH off; RCU read side.
 */
void xfrm_xdp_output_done(struct xfrm_xdp_frame *f, int err)
{
	struct net *net = xs_net(f->x);
	struct sk_buff *skb;

	xfrm_xdp_output_finish(f);
	if (err) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMOUTSTATEPROTOERROR);
		xfrm_xdp_count(net, XFRM_XDP_R_DROP_CRYPTO);
		return;
	}
	skb = xfrm_xdp_frame_to_skb(f, f->esph - f->hdr_len, f->hdr_len + f->len);
	if (!skb) {
		xfrm_xdp_count(net, XFRM_XDP_R_DROP_NOMEM);
		return;
	}
	skb->dev = f->dev;
	skb->mark = xfrm_smark_get(0, f->x);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, f->mac_len);
	skb->protocol = eth_hdr(skb)->h_proto;
	if (f->routed)
		xfrm_xdp_output_route(net, skb, f->family);
	else
		dev_queue_xmit(skb);
}

/**
 * xfrm_xdp_output() - one packet out through one SA
 * @xdp: frame with an Ethernet header and the inner packet
 * @x: SA that passed xfrm_xdp_sa_check() for XFRM_SA_DIR_OUT
 * @pkt: the inner packet
 * @outer: egress, outer header
 * @opts: result: @reason, @spi and @seq
 *
 * DONE: @xdp holds the link-layer header, the outer header and ESP, no metadata.
 *
 * Context: softirq, or BH off; RCU read side. Takes x->lock.
 * Return: one of the four verdicts.
 */
enum xfrm_xdp_verdict xfrm_xdp_output(struct xdp_buff *xdp,
				      struct xfrm_state *x,
				      const struct xfrm_xdp_pkt *pkt,
				      const struct xfrm_xdp_outer *outer,
				      struct bpf_xfrm_xdp_opts *opts)
{
	return xfrm_xdp_output_packet(xdp, x, pkt, outer, opts);
}
