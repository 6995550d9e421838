// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse IP packets with the checks of ip_rcv_core() and ip6_rcv_core(), and
 * refuse what the fast path leaves to the stack: options, extension headers,
 * fragments, frames that are not addressed to the device.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/unaligned.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "xfrm_xdp_parse.h"

/**
 * xfrm_xdp_parse_ip6() - the header of an IPv6 packet
 * @pkt: @l3; result
 * @linear: bytes that may be read from there on
 * @len: bytes of the packet, link-layer padding included
 *
 * Context: any.
 * Return: XFRM_XDP_OK, or the reason why the stack has to take the packet.
 */
int xfrm_xdp_parse_ip6(struct xfrm_xdp_pkt *pkt, unsigned int linear, unsigned int len)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)pkt->l3;
	unsigned int tot;

	if (linear < sizeof(*ip6h) || ip6h->version != 6)
		return XFRM_XDP_R_PUNT_IP_HEADER;
	tot = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	if (tot > len || tot > U16_MAX)
		return XFRM_XDP_R_PUNT_IP_HEADER;
	if (ip6h->nexthdr == NEXTHDR_FRAGMENT)
		return XFRM_XDP_R_PUNT_FRAGMENT;
	if (ipv6_ext_hdr(ip6h->nexthdr))
		return XFRM_XDP_R_PUNT_IP_OPTIONS;

	pkt->family = AF_INET6;
	pkt->len = tot;
	pkt->hlen = sizeof(*ip6h);
	pkt->proto = ip6h->nexthdr;
	pkt->ttl = ip6h->hop_limit;
	pkt->tos = ipv6_get_dsfield(ip6h);
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_icmp_ports() - what ICMP has in place of ports
 * @l4: ICMP or ICMPv6 header
 * @family: of the packet
 *
 * Context: any.
 * Return: the identifier of an echo, else 0, and type and code, as in struct
 * xfrm_xdp_flow_key.
 */
__be32 xfrm_xdp_icmp_ports(const u8 *l4, u8 family)
{
	const struct icmphdr *icmp = (const struct icmphdr *)l4;
	__be16 ports[2] = { 0, htons(icmp->type << 8 | icmp->code) };
	__be32 res;

	if (family == AF_INET ?
	    icmp->type == ICMP_ECHO || icmp->type == ICMP_ECHOREPLY :
	    icmp->type == ICMPV6_ECHO_REQUEST || icmp->type == ICMPV6_ECHO_REPLY)
		ports[0] = icmp->un.echo.id;
	memcpy(&res, ports, sizeof(res));
	return res;
}

/**
 * xfrm_xdp_parse() - parse an IP packet
 * @pkt: result; complete only where XFRM_XDP_OK is returned; @mac_len and @vlan are
 *	the caller's to fill in
 * @l3: its IP header
 * @linear: bytes that may be read from @l3 on
 * @len: bytes of the packet from @l3 on, link-layer padding included
 * @proto: its EtherType
 *
 * Context: any.
 * Return: XFRM_XDP_OK, or the reason why the stack has to take the packet.
 */
int xfrm_xdp_parse(struct xfrm_xdp_pkt *pkt, u8 *l3, unsigned int linear,
		   unsigned int len, __be16 proto)
{
	return xfrm_xdp_parse_ip(pkt, l3, linear, len, proto);
}

/*
 * Of what GRO has merged beyond 64 KiB (BIG TCP), the headers as its segments had them but for
 * the length, which is as large as may be: IPv4 has none then, and IPv6 a jumbo payload option.
 */
static int xfrm_xdp_parse_big(u8 *headers, const struct sk_buff *skb, int offset)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)headers;
	struct iphdr *iph = (struct iphdr *)headers;

	if (skb->protocol == htons(ETH_P_IP)) {
		if (!iph->tot_len && iph_totlen(skb, iph)) {
			iph->tot_len = htons(IP_MAX_MTU);
			csum_replace2(&iph->check, 0, iph->tot_len);
		}
		return 0;
	}
	if (!ipv6_has_hopopt_jumbo(skb))
		return 0;
	ip6h->nexthdr = IPPROTO_TCP;
	ip6h->payload_len = htons(U16_MAX - sizeof(*ip6h));
	return skb_copy_bits(skb, offset + sizeof(*ip6h) + sizeof(struct hop_jumbo_hdr), ip6h + 1,
			     sizeof(struct tcphdr));
}

/**
 * xfrm_xdp_parse_skb() - parse a packet in the stack
 * @pkt: result; its headers are those in @headers
 * @headers: XFRM_XDP_HEADERS bytes, which the headers are copied to
 * @skb: the packet
 *
 * Context: any.
 * Return: XFRM_XDP_OK, or the reason why the fast path would not take it.
 */
int xfrm_xdp_parse_skb(struct xfrm_xdp_pkt *pkt, u8 *headers, const struct sk_buff *skb)
{
	int offset = skb_network_offset(skb);
	unsigned int len = skb->len - offset;
	unsigned int linear = min_t(unsigned int, len, XFRM_XDP_HEADERS);

	if (skb_copy_bits(skb, offset, headers, linear) ||
	    (unlikely(len > IP_MAX_MTU) && xfrm_xdp_parse_big(headers, skb, offset)))
		return XFRM_XDP_R_PUNT_IP_HEADER;
	return xfrm_xdp_parse(pkt, headers, linear, len, skb->protocol);
}

/**
 * xfrm_xdp_parse_frame() - parse the packet of an XDP frame
 * @pkt: result
 * @xdp: the frame, of one buffer, with an Ethernet header and one 802.1Q tag or none
 *
 * Context: XDP.
 * Return: XFRM_XDP_OK, or the reason why the stack has to take the packet.
 */
int xfrm_xdp_parse_frame(struct xfrm_xdp_pkt *pkt, const struct xdp_buff *xdp)
{
	return xfrm_xdp_parse_xdp(pkt, xdp);
}

/**
 * xfrm_xdp_tag_beside() - may there be a tag beside the frame?
 * @xdp: frame whose driver does not say
 *
 * Where the device takes it out; and in generic mode where the sk_buff came with one, from
 * the other end of a veth or from a device below.
 *
 * Context: XDP.
 */
bool xfrm_xdp_tag_beside(const struct xdp_buff *xdp)
{
	const struct net_device *dev = xdp->rxq->dev, *peer;
	const struct net_device_ops *ops = dev->netdev_ops;

	if (dev->features & (NETIF_F_HW_VLAN_CTAG_RX | NETIF_F_HW_VLAN_STAG_RX))
		return true;
	if (likely(!xfrm_xdp_is_generic(xdp)))
		return false;
	if (!list_empty(&dev->adj_list.lower))
		return true;
	peer = ops->ndo_get_peer_dev ? ops->ndo_get_peer_dev((struct net_device *)dev) : NULL;
	return peer && peer->features & (NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_STAG_TX);
}

/**
 * xfrm_xdp_pkt_key() - the flow key of a packet
 * @key: result, every byte of it
 * @pkt: the packet
 * @ifindex: its ingress device
 * @sa: handle of the inbound SA it was decrypted by, or 0
 *
 * Context: any.
 */
void xfrm_xdp_pkt_key(struct xfrm_xdp_flow_key *key,
		      const struct xfrm_xdp_pkt *pkt, u32 ifindex, u64 sa)
{
	key->ifindex = ifindex;
	key->vlan = pkt->vlan;
	key->family = pkt->family;
	key->proto = pkt->proto;
	if (pkt->family == AF_INET) {
		memset(key->saddr, 0, sizeof(key->saddr));
		memset(key->daddr, 0, sizeof(key->daddr));
		key->saddr[0] = xfrm_xdp_pkt_saddr(pkt)->a4;
		key->daddr[0] = xfrm_xdp_pkt_daddr(pkt)->a4;
	} else {
		memcpy(key->saddr, xfrm_xdp_pkt_saddr(pkt), sizeof(key->saddr));
		memcpy(key->daddr, xfrm_xdp_pkt_daddr(pkt), sizeof(key->daddr));
	}
	key->spi = pkt->ports;
	key->encap = 0;
	if (pkt->proto != IPPROTO_ESP)
		key->dscp = pkt->tos & XFRM_XDP_DSCP_MASK;
	key->sa = sa;
}

/**
 * xfrm_xdp_encap_spi() - the SPI of what may be ESP in UDP
 * @pkt: the packet, all of it linear
 *
 * IKE has zeros where ESP has its SPI, and a keepalive is too short for one.
 *
 * Context: any.
 * Return: the SPI, or 0 where it is not ESP.
 */
__be32 xfrm_xdp_encap_spi(const struct xfrm_xdp_pkt *pkt)
{
	unsigned int esp = pkt->hlen + sizeof(struct udphdr);

	if (pkt->proto != IPPROTO_UDP || pkt->len <= esp + sizeof(struct ip_esp_hdr))
		return 0;
	return get_unaligned((__be32 *)(pkt->l3 + esp));
}
