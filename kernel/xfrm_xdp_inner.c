// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an SA's mode makes of what was decrypted: xfrm_inner_mode_input() with
 * xfrm4_remove_tunnel_encap(), xfrm4_transport_input(), xfrm4_remove_beet_encap()
 * and their IPv6 counterparts.
 */

#include <linux/ip.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "xfrm_xdp.h"

/* As xfrm_xdp_inner_tunnel4(). */
static int xfrm_xdp_tunnel6(const struct xfrm_xdp_frame *f, struct xfrm_xdp_inner *inner)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)inner->l3;

	if (inner->len < sizeof(*ip6h))
		return XFRM_XDP_R_DROP_MODE;
	if (f->x->props.flags & XFRM_STATE_DECAP_DSCP)
		ipv6_copy_dscp(f->tos, ip6h);
	if (!(f->x->props.flags & XFRM_STATE_NOECN) && INET_ECN_is_ce(f->tos) &&
	    !INET_ECN_is_not_ect(ipv6_get_dsfield(ip6h)))
		ipv6_change_dsfield(ip6h, 0xff, INET_ECN_CE);
	inner->family = AF_INET6;
	return XFRM_XDP_OK;
}

/* The inner packet is all there, whatever the selector says of its family. */
static int xfrm_xdp_inner_tunnel(const struct xfrm_xdp_frame *f,
				 struct xfrm_xdp_inner *inner)
{
	switch (inner->proto) {
	case IPPROTO_IPIP:
		return xfrm_xdp_inner_tunnel4(f, inner);
	case IPPROTO_IPV6:
		return xfrm_xdp_tunnel6(f, inner);
	}
	return XFRM_XDP_R_DROP_MODE;
}

/* The outer header moves up to the payload. */
static int xfrm_xdp_inner_transport(const struct xfrm_xdp_frame *f,
				    struct xfrm_xdp_inner *inner)
{
	unsigned int hlen = f->family == AF_INET ? sizeof(struct iphdr) :
						   sizeof(struct ipv6hdr);
	struct ipv6hdr *ip6h;
	struct iphdr *iph;

	inner->l3 -= hlen;
	inner->len += hlen;
	inner->family = f->family;
	memmove(inner->l3, f->l3, hlen);
	if (f->family == AF_INET) {
		iph = (struct iphdr *)inner->l3;
		iph->protocol = inner->proto;
		iph->tot_len = htons(inner->len);
		ip_send_check(iph);
	} else {
		ip6h = (struct ipv6hdr *)inner->l3;
		ip6h->nexthdr = inner->proto;
		ip6h->payload_len = htons(inner->len - hlen);
	}
	return XFRM_XDP_OK;
}

/*
 * The pseudo header of IPv4 options (draft-nikander-esp-beet-mode): the options
 * follow it. Returns their length, or less than zero.
 */
static int xfrm_xdp_beet_options(struct xfrm_xdp_inner *inner)
{
	const struct ip_beet_phdr *ph = (const struct ip_beet_phdr *)inner->l3;
	int phlen, optlen;

	if (inner->proto != IPPROTO_BEETPH)
		return 0;
	if (inner->len < sizeof(*ph))
		return -EINVAL;
	phlen = sizeof(*ph) + ph->padlen;
	optlen = ph->hdrlen * 8 + (IPV4_BEET_PHMAXLEN - phlen);
	if (optlen < 0 || optlen & 3 || optlen > 250 || inner->len < phlen)
		return -EINVAL;
	inner->proto = ph->nexthdr;
	inner->l3 += phlen;
	inner->len -= phlen;
	return optlen;
}

/* Not inline, for what they have on the stack all modes would pay for. */

/* A new header: the selector's addresses, the rest from the outer header. */
static noinline int xfrm_xdp_beet4(const struct xfrm_xdp_frame *f,
				   struct xfrm_xdp_inner *inner)
{
	const struct iphdr *outer = (const struct iphdr *)f->l3;
	struct iphdr head = {
		.version = 4,
		.tos = f->tos,
		.ttl = f->ttl,
		.frag_off = htons(IP_DF),
	};
	int optlen = xfrm_xdp_beet_options(inner);

	if (optlen < 0)
		return XFRM_XDP_R_DROP_MODE;
	if (f->family == AF_INET) {
		head.id = outer->id;
		head.frag_off = outer->frag_off;
	}
	inner->l3 -= sizeof(head);
	inner->len += sizeof(head);
	inner->family = AF_INET;
	head.ihl = (sizeof(head) + optlen) / 4;
	head.protocol = inner->proto;
	head.tot_len = htons(inner->len);
	head.saddr = f->x->sel.saddr.a4;
	head.daddr = f->x->sel.daddr.a4;
	memcpy(inner->l3, &head, sizeof(head));
	/* What does not add up is ip_rcv()'s to drop, as it is after XFRM. */
	if (head.ihl >= 5 && inner->len >= head.ihl * 4)
		ip_send_check((struct iphdr *)inner->l3);
	return XFRM_XDP_OK;
}

static noinline int xfrm_xdp_beet6(const struct xfrm_xdp_frame *f,
				   struct xfrm_xdp_inner *inner)
{
	const struct ipv6hdr *outer = (const struct ipv6hdr *)f->l3;
	struct ipv6hdr head = {
		.version = 6,
		.payload_len = htons(inner->len),
		.nexthdr = inner->proto,
		.hop_limit = f->ttl,
	};

	if (f->family == AF_INET6)
		memcpy(head.flow_lbl, outer->flow_lbl, sizeof(head.flow_lbl));
	ipv6_change_dsfield(&head, 0, f->tos);
	memcpy(&head.saddr, &f->x->sel.saddr, sizeof(head.saddr));
	memcpy(&head.daddr, &f->x->sel.daddr, sizeof(head.daddr));
	inner->l3 -= sizeof(head);
	inner->len += sizeof(head);
	inner->family = AF_INET6;
	memcpy(inner->l3, &head, sizeof(head));
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_inner_packet() - make an IP packet of what was decrypted
 * @f: operation: @x, @l3, @family, @tos and @ttl of the outer packet
 * @inner: @l3 and @len of the payload and @proto; result: of the packet, and @family
 *
 * In BEET mode sizeof(struct ipv6hdr) bytes before the outer header are writable.
 *
 * Context: any.
 * Return: XFRM_XDP_OK, or the reason to drop it.
 */
int xfrm_xdp_inner_packet(const struct xfrm_xdp_frame *f, struct xfrm_xdp_inner *inner)
{
	switch (f->x->props.mode) {
	case XFRM_MODE_TUNNEL:
		return xfrm_xdp_inner_tunnel(f, inner);
	case XFRM_MODE_TRANSPORT:
		return xfrm_xdp_inner_transport(f, inner);
	case XFRM_MODE_BEET:
		return f->x->sel.family == AF_INET ? xfrm_xdp_beet4(f, inner) :
						     xfrm_xdp_beet6(f, inner);
	}
	return XFRM_XDP_R_DROP_MODE;
}
