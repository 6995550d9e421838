// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an SA's mode puts in front of ESP: xfrm_outer_mode_output() with
 * xfrm4_tunnel_encap_add(), _transport_output() and _beet_encap_add(), their IPv6
 * counterparts, and the UDP header of esp_output_udp_encap(), as
 * __ip_local_out() completes them.
 */

#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include "xfrm_xdp_outer.h"

/* Transport and BEET mode take the inner IP header away, of one family. */
static bool xfrm_xdp_outer_takes(const struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt)
{
	return pkt->family == (x->props.mode == XFRM_MODE_BEET ? x->sel.family :
								 x->props.family);
}

/**
 * xfrm_xdp_outer_without() - xfrm_xdp_outer_payload() where the inner header is not part of it
 * @l: result: @payload, @len, @proto
 * @x: outbound SA in transport or BEET mode
 * @pkt: the inner packet
 *
 * Context: any.
 * Return: may the packet go through this SA?
 */
bool xfrm_xdp_outer_without(struct xfrm_xdp_layout *l, const struct xfrm_state *x,
			    const struct xfrm_xdp_pkt *pkt)
{
	if (!xfrm_xdp_outer_takes(x, pkt))
		return false;
	l->payload = pkt->l3 + pkt->hlen;
	l->len = pkt->len - pkt->hlen;
	l->proto = pkt->proto;
	return true;
}

/* The inner hop limit as the outer header of transport and BEET mode has it. */
static u8 xfrm_xdp_outer_ttl(const struct xfrm_xdp_pkt *pkt,
			     const struct xfrm_xdp_outer *outer)
{
	return pkt->ttl - outer->forward;
}

/* xfrm4_beet_make_header(): the inner header's fields, whatever its family. */
static void xfrm_xdp_beet_ip4(struct iphdr *iph, const struct iphdr *inner,
			      const struct xfrm_xdp_pkt *pkt, u8 ttl)
{
	iph->tos = pkt->tos;
	iph->id = pkt->family == AF_INET ? inner->id : 0;
	iph->frag_off = pkt->family == AF_INET ? inner->frag_off : htons(IP_DF);
	iph->ttl = ttl;
}

/* The header of transport and BEET mode. */
static void xfrm_xdp_outer_ip4(struct iphdr *iph, const struct xfrm_state *x,
			       const struct iphdr *inner, const struct xfrm_xdp_pkt *pkt,
			       const struct xfrm_xdp_outer *outer,
			       const struct xfrm_xdp_layout *l)
{
	if (x->props.mode == XFRM_MODE_BEET) {
		xfrm_xdp_beet_ip4(iph, inner, pkt, xfrm_xdp_outer_ttl(pkt, outer));
		iph->saddr = x->props.saddr.a4;
		iph->daddr = x->id.daddr.a4;
	} else {
		memcpy(iph, inner, sizeof(*iph));
		iph->ttl = xfrm_xdp_outer_ttl(pkt, outer);
	}
	xfrm_xdp_outer_seal(iph, l);
}

static void xfrm_xdp_outer_ip6(struct ipv6hdr *ip6h, const struct xfrm_state *x,
			       const u8 *inner, const struct xfrm_xdp_pkt *pkt,
			       const struct xfrm_xdp_outer *outer,
			       const struct xfrm_xdp_layout *l)
{
	const struct ipv6hdr *in6h = (const struct ipv6hdr *)inner;

	memset(ip6h, 0, offsetof(struct ipv6hdr, saddr));
	ip6h->version = 6;
	if (pkt->family == AF_INET6)
		memcpy(ip6h->flow_lbl, in6h->flow_lbl, sizeof(ip6h->flow_lbl));
	if (x->props.mode == XFRM_MODE_TUNNEL) {
		ipv6_change_dsfield(ip6h, 0, xfrm_xdp_tunnel_tos(x, pkt->tos));
		ip6h->hop_limit = outer->hop.hoplimit;
	} else {
		ipv6_change_dsfield(ip6h, 0, pkt->tos);
		ip6h->hop_limit = xfrm_xdp_outer_ttl(pkt, outer);
	}
	if (x->props.mode == XFRM_MODE_TRANSPORT) {
		ip6h->saddr = in6h->saddr;
		ip6h->daddr = in6h->daddr;
	} else {
		memcpy(&ip6h->saddr, &x->props.saddr, sizeof(ip6h->saddr));
		memcpy(&ip6h->daddr, &x->id.daddr, sizeof(ip6h->daddr));
	}
	ip6h->payload_len = htons(l->total - l->mac_len - sizeof(*ip6h));
	ip6h->nexthdr = l->encap ? IPPROTO_UDP : IPPROTO_ESP;
}

/**
 * xfrm_xdp_outer_header() - write the IP header, and the UDP header but for its checksum
 * @iph: where to
 * @f: operation: @x and @ports
 * @inner: the IP header of the inner packet, whose hop limit may be another by now
 * @pkt: what else there is to know of the inner packet; not where it is
 * @outer: hop limit
 * @l: lengths
 *
 * Context: any.
 */
void xfrm_xdp_outer_header(u8 *iph, const struct xfrm_xdp_frame *f, const u8 *inner,
			   const struct xfrm_xdp_pkt *pkt,
			   const struct xfrm_xdp_outer *outer,
			   const struct xfrm_xdp_layout *l)
{
	struct udphdr *uh = (struct udphdr *)(iph + l->iphlen);
	const struct xfrm_state *x = f->x;

	if (x->props.family == AF_INET6)
		xfrm_xdp_outer_ip6((struct ipv6hdr *)iph, x, inner, pkt, outer, l);
	else if (x->props.mode == XFRM_MODE_TUNNEL)
		xfrm_xdp_tunnel_ip4((struct iphdr *)iph, x, inner, pkt, outer, l);
	else
		xfrm_xdp_outer_ip4((struct iphdr *)iph, x, (const struct iphdr *)inner, pkt,
				   outer, l);
	if (unlikely(l->encap)) {
		uh->source = f->ports[0];
		uh->dest = f->ports[1];
		uh->len = htons(l->total - l->mac_len - l->iphlen);
		uh->check = 0;
	}
}

/**
 * xfrm_xdp_outer_checksum() - complete the UDP header around encrypted ESP
 * @uh: the UDP header, behind an IP header
 * @family: of the IP header
 *
 * Only IPv6 wants a checksum; follows esp_output_encap_csum().
 *
 * Context: any.
 */
void xfrm_xdp_outer_checksum(struct udphdr *uh, u16 family)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)uh - 1;
	unsigned int len = ntohs(uh->len);

	if (family != AF_INET6)
		return;
	uh->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_UDP,
				    csum_partial(uh, len, 0));
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}
