/* SPDX-License-Identifier: GPL-2.0-only */
/* What xfrm_xdp_parse.c does for every frame: inline. */
#ifndef _XFRM_XDP_PARSE_H
#define _XFRM_XDP_PARSE_H

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include <net/tcp.h>
#include "xfrm_xdp.h"

static __always_inline int xfrm_xdp_parse_ip4(struct xfrm_xdp_pkt *pkt,
					      unsigned int linear, unsigned int len)
{
	const struct iphdr *iph = (const struct iphdr *)pkt->l3;
	unsigned int tot;

	if (linear < sizeof(*iph))
		return XFRM_XDP_R_PUNT_IP_HEADER;
	/* Version and length in one. */
	if (unlikely(*(const u8 *)iph != 0x45))
		return iph->version == 4 && iph->ihl > 5 ? XFRM_XDP_R_PUNT_IP_OPTIONS :
							   XFRM_XDP_R_PUNT_IP_HEADER;
	tot = ntohs(iph->tot_len);
	if (tot < sizeof(*iph) || tot > len)
		return XFRM_XDP_R_PUNT_IP_HEADER;
	if (ip_is_fragment(iph))
		return XFRM_XDP_R_PUNT_FRAGMENT;
	if (ip_fast_csum(iph, 5))
		return XFRM_XDP_R_PUNT_IP_HEADER;

	pkt->family = AF_INET;
	pkt->len = tot;
	pkt->hlen = sizeof(*iph);
	pkt->proto = iph->protocol;
	pkt->ttl = iph->ttl;
	pkt->tos = iph->tos;
	return XFRM_XDP_OK;
}

/* Those that say whether a segment is of the bulk of a connection, which has ACK alone. */
#define XFRM_XDP_TCP_FLAGS	(TCPHDR_FIN | TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK)

static __always_inline int xfrm_xdp_parse_l4(struct xfrm_xdp_pkt *pkt, unsigned int linear)
{
	static const u8 need[256] = {
		[IPPROTO_TCP]	= sizeof(struct tcphdr),
		[IPPROTO_UDP]	= sizeof(struct udphdr),
		[IPPROTO_ESP]	= sizeof(struct ip_esp_hdr),
		[IPPROTO_ICMP]	= sizeof(struct icmphdr),
		[IPPROTO_ICMPV6] = sizeof(struct icmp6hdr),
	};
	const u8 *l4 = pkt->l3 + pkt->hlen;
	const struct tcphdr *th;

	if (!need[pkt->proto])
		return XFRM_XDP_OK;
	if (min_t(unsigned int, linear, pkt->len) < pkt->hlen + need[pkt->proto])
		return XFRM_XDP_R_PUNT_IP_HEADER;

	switch (pkt->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		pkt->ports = xfrm_xdp_icmp_ports(l4, pkt->family);
		break;
	case IPPROTO_TCP:
		th = (const struct tcphdr *)l4;
		pkt->tcp_end = (tcp_flag_byte(th) & XFRM_XDP_TCP_FLAGS) != TCPHDR_ACK;
		fallthrough;
	default:
		memcpy(&pkt->ports, l4, sizeof(pkt->ports));
	}
	return XFRM_XDP_OK;
}

/* xfrm_xdp_parse() */
static __always_inline int xfrm_xdp_parse_ip(struct xfrm_xdp_pkt *pkt, u8 *l3,
					     unsigned int linear, unsigned int len,
					     __be16 proto)
{
	int reason;

	pkt->l3 = l3;
	pkt->tcp_end = false;
	pkt->ports = 0;
	switch (proto) {
	case htons(ETH_P_IP):
		reason = xfrm_xdp_parse_ip4(pkt, linear, len);
		break;
	case htons(ETH_P_IPV6):
		reason = xfrm_xdp_parse_ip6(pkt, linear, len);
		break;
	default:
		return XFRM_XDP_R_PUNT_NOT_IP;
	}
	return reason ?: xfrm_xdp_parse_l4(pkt, linear);
}

/* xfrm_xdp_parse_frame() */
static __always_inline int xfrm_xdp_parse_xdp(struct xfrm_xdp_pkt *pkt,
					      const struct xdp_buff *xdp)
{
	const struct vlan_ethhdr *veth = xdp->data;
	unsigned int len;
	__be16 proto;

	pkt->mac_len = ETH_HLEN;
	pkt->vlan = 0;
	if (unlikely(xdp_buff_has_frags((struct xdp_buff *)xdp)))
		return XFRM_XDP_R_PUNT_MULTIBUF;
	/* Userspace could change it after it was looked at. */
	if (unlikely(xdp->rxq->mem.type == MEM_TYPE_XSK_BUFF_POOL))
		return XFRM_XDP_R_PUNT_ZERO_COPY;
	if (unlikely(xdp->data + ETH_HLEN > xdp->data_end))
		return XFRM_XDP_R_PUNT_NOT_IP;

	proto = veth->h_vlan_proto;
	if (proto == htons(ETH_P_8021Q)) {
		pkt->mac_len = VLAN_ETH_HLEN;
		if (unlikely(xdp->data + VLAN_ETH_HLEN > xdp->data_end))
			return XFRM_XDP_R_PUNT_NOT_IP;
		proto = veth->h_vlan_encapsulated_proto;
		pkt->vlan = ntohs(veth->h_vlan_TCI) & VLAN_VID_MASK;
		/* A priority only: the stack may have a VLAN device of id 0, or none. */
		if (unlikely(!pkt->vlan))
			return XFRM_XDP_R_PUNT_VLAN;
	}
	len = xdp->data_end - xdp->data - pkt->mac_len;
	return xfrm_xdp_parse_ip(pkt, xdp->data + pkt->mac_len, len, len, proto);
}

/*
 * What an SA has decrypted, in the same frame: @pkt is of the packet that it was in, of
 * which link-layer header and tag are still there.
 */
static __always_inline int xfrm_xdp_parse_inner(struct xfrm_xdp_pkt *pkt,
						const struct xdp_buff *xdp)
{
	u8 *l3 = xdp->data + pkt->mac_len;
	unsigned int len = (u8 *)xdp->data_end - l3;

	return xfrm_xdp_parse_ip(pkt, l3, len, len, *((__be16 *)l3 - 1));
}

#endif /* _XFRM_XDP_PARSE_H */
