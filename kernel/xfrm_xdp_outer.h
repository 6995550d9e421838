/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an SA's mode puts in front of ESP: lengths, and the header of an IPv4 tunnel, inline;
 * xfrm_xdp_outer.c has the others.
 */
#ifndef _XFRM_XDP_OUTER_H
#define _XFRM_XDP_OUTER_H

#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_ident.h"

/**
 * struct xfrm_xdp_layout - the parts of an output packet, lengths in bytes
 * @payload: what is encrypted, where it is
 * @len: of it
 * @tfclen: padding to hide its length
 * @proto: its protocol, for the trailer
 * @mac_len: of the link-layer header
 * @iphlen: of the outer IP header
 * @encap: of the UDP header around ESP, or 0
 * @ivlen: of the IV
 * @clen: of the ciphertext
 * @hlen: of everything before the payload
 * @start: link-layer header, in the XDP frame
 * @total: from @start to the end of the ICV
 */
struct xfrm_xdp_layout {
	u8 *payload;
	unsigned int len;
	unsigned int tfclen;
	u8 proto;
	u8 mac_len;
	u8 iphlen;
	u8 encap;
	u8 ivlen;
	unsigned int clen;
	unsigned int hlen;
	u8 *start;
	unsigned int total;
};

/**
 * struct xfrm_xdp_outer - what an output packet gets besides ESP
 * @dev: egress device of the stack; NULL: the link-layer header stays, but for the type
 * @hop: next hop on @dev, and the hop limit of the outer header in tunnel mode
 * @mtu: of the path, in bytes from the outer IP header on
 * @forward: decrement the inner TTL
 * @partial: the inner checksum is xfrm_xdp_checksum_partial()
 */
struct xfrm_xdp_outer {
	struct net_device *dev;
	union xfrm_xdp_hop hop;
	u32 mtu;
	bool forward;
	bool partial;
};

bool xfrm_xdp_outer_without(struct xfrm_xdp_layout *l, const struct xfrm_state *x,
			    const struct xfrm_xdp_pkt *pkt);
void xfrm_xdp_outer_header(u8 *iph, const struct xfrm_xdp_frame *f, const u8 *inner,
			   const struct xfrm_xdp_pkt *pkt,
			   const struct xfrm_xdp_outer *outer,
			   const struct xfrm_xdp_layout *l);
void xfrm_xdp_outer_checksum(struct udphdr *uh, u16 family);

/**
 * xfrm_xdp_outer_payload() - what of a packet is encrypted, and behind what
 * @l: result: @payload, @len, @proto, @iphlen, @encap
 * @x: outbound SA that passed xfrm_xdp_sa_check()
 * @pkt: the inner packet
 *
 * Context: any.
 * Return: may the packet go through an SA of this mode?
 */
static __always_inline bool xfrm_xdp_outer_payload(struct xfrm_xdp_layout *l,
						   const struct xfrm_state *x,
						   const struct xfrm_xdp_pkt *pkt)
{
	l->iphlen = x->props.family == AF_INET ? sizeof(struct iphdr) :
						 sizeof(struct ipv6hdr);
	l->encap = x->encap ? sizeof(struct udphdr) : 0;
	if (unlikely(x->props.mode != XFRM_MODE_TUNNEL))
		return xfrm_xdp_outer_without(l, x, pkt);
	l->payload = pkt->l3;
	l->len = pkt->len;
	l->proto = pkt->family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
	return true;
}

/* RFC 4301 section 5.1.2.1: DSCP and ECN of a tunnel's header. */
static __always_inline u8 xfrm_xdp_tunnel_tos(const struct xfrm_state *x, u8 inner)
{
	u8 tos = x->props.extra_flags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP ? 0 : inner;

	if (likely(!inner))
		return 0;
	tos = INET_ECN_encapsulate(tos, inner);
	return x->props.flags & XFRM_STATE_NOECN ? tos & ~INET_ECN_MASK : tos;
}

/* DF as xfrm4_tunnel_encap_add() has it. */
static __always_inline __be16 xfrm_xdp_tunnel_df(const struct xfrm_state *x, const u8 *inner,
						 u8 family)
{
	if (x->props.flags & XFRM_STATE_NOPMTUDISC)
		return 0;
	/*
	 * The kernel means to leave DF out for IPv6 of up to 1280 bytes, but asks
	 * skb->protocol, which is the outer one by then: it never does.
	 */
	return family == AF_INET ? ((const struct iphdr *)inner)->frag_off & htons(IP_DF) :
				   htons(IP_DF);
}

/*
 * ip_select_ident(): none for what is never fragmented. The stack counts by what is
 * inside, for it asks before there is ESP.
 */
static __always_inline __be16 xfrm_xdp_tunnel_id(struct iphdr *iph, const struct xfrm_state *x,
						 u8 proto)
{
	if (iph->frag_off)
		return 0;
	iph->protocol = proto;
	return xfrm_xdp_ident(xs_net((struct xfrm_state *)x), iph);
}

/* The fields of an outer IPv4 header that every mode has; its checksum is the last. */
static __always_inline void xfrm_xdp_outer_seal(struct iphdr *iph,
						const struct xfrm_xdp_layout *l)
{
	iph->version = 4;
	iph->ihl = 5;
	iph->tot_len = htons(l->total - l->mac_len);
	iph->protocol = l->encap ? IPPROTO_UDP : IPPROTO_ESP;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, 5);
}

/**
 * xfrm_xdp_tunnel_ip4() - the outer header of an IPv4 tunnel
 * @iph: where to
 * @x: SA
 * @inner: the inner IP header
 * @pkt: what else there is to know of the inner packet
 * @outer: hop limit
 * @l: lengths
 *
 * Follows xfrm4_tunnel_encap_add(), as __ip_local_out() completes it.
 *
 * Context: softirq, or BH off.
 */
static __always_inline void
xfrm_xdp_tunnel_ip4(struct iphdr *iph, const struct xfrm_state *x, const u8 *inner,
		    const struct xfrm_xdp_pkt *pkt, const struct xfrm_xdp_outer *outer,
		    const struct xfrm_xdp_layout *l)
{
	iph->saddr = x->props.saddr.a4;
	iph->daddr = x->id.daddr.a4;
	iph->tos = xfrm_xdp_tunnel_tos(x, pkt->tos);
	iph->frag_off = xfrm_xdp_tunnel_df(x, inner, pkt->family);
	iph->ttl = outer->hop.hoplimit;
	iph->id = xfrm_xdp_tunnel_id(iph, x, l->proto);
	xfrm_xdp_outer_seal(iph, l);
}

#endif /* _XFRM_XDP_OUTER_H */
