/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a frame to its key in the flow map. Only what the key needs is looked
 * at: whether the packet may take the flow is for the kfunc to say.
 */
#ifndef _XFRM_XDP_PARSE_BPF_H
#define _XFRM_XDP_PARSE_BPF_H

#include "xfrm_xdp_kfunc.h"

#define ETH_P_IP	0x0800
#define ETH_P_8021Q	0x8100
#define ETH_P_IPV6	0x86dd
#define VLAN_VID_MASK	0x0fff
#define AF_INET		2
#define AF_INET6	10
#define IP_MF		0x2000
#define IP_OFFSET	0x1fff
#define IPPROTO_ICMPV6	58
#define ICMP_ECHO	8
#define ICMP_ECHOREPLY	0
#define ICMPV6_ECHO_REQUEST	128
#define ICMPV6_ECHO_REPLY	129

static __always_inline int parse_icmp(struct xfrm_xdp_flow_key *key, void *l4,
				      void *end)
{
	struct icmphdr *icmp = l4;
	bool echo;

	if (l4 + sizeof(*icmp) > end)
		return -1;
	if (key->family == AF_INET)
		echo = icmp->type == ICMP_ECHO || icmp->type == ICMP_ECHOREPLY;
	else
		echo = icmp->type == ICMPV6_ECHO_REQUEST ||
		       icmp->type == ICMPV6_ECHO_REPLY;
	key->sport = echo ? icmp->un.echo.id : 0;
	key->dport = bpf_htons(icmp->type << 8 | icmp->code);
	return 0;
}

static __always_inline int parse_l4(struct xfrm_xdp_flow_key *key, void *l4,
				    void *end)
{
	switch (key->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_ESP:
		if (l4 + sizeof(__be32) > end)
			return -1;
		key->spi = *(__be32 *)l4;
		return 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return parse_icmp(key, l4, end);
	}
	return 0;
}

static __always_inline int parse_ip4(struct xfrm_xdp_flow_key *key, void *l3,
				     void *end)
{
	struct iphdr *iph = l3;

	if (l3 + sizeof(*iph) > end || iph->ihl != 5 ||
	    iph->frag_off & bpf_htons(IP_MF | IP_OFFSET))
		return -1;
	key->family = AF_INET;
	key->proto = iph->protocol;
	if (key->proto != IPPROTO_ESP)
		key->dscp = iph->tos & XFRM_XDP_DSCP_MASK;
	key->saddr[0] = iph->saddr;
	key->daddr[0] = iph->daddr;
	return parse_l4(key, l3 + sizeof(*iph), end);
}

static __always_inline int parse_ip6(struct xfrm_xdp_flow_key *key, void *l3,
				     void *end)
{
	struct ipv6hdr *ip6h = l3;

	if (l3 + sizeof(*ip6h) > end)
		return -1;
	key->family = AF_INET6;
	key->proto = ip6h->nexthdr;
	if (key->proto != IPPROTO_ESP)
		key->dscp = (ip6h->priority << 4 | ip6h->flow_lbl[0] >> 4) &
			    XFRM_XDP_DSCP_MASK;
	__builtin_memcpy(key->saddr, &ip6h->saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, &ip6h->daddr, sizeof(key->daddr));
	return parse_l4(key, l3 + sizeof(*ip6h), end);
}

/*
 * parse_encap() - the key of ESP in UDP
 * @ctx: frame
 * @key: of UDP, as parse_key() made it
 * @esp: result, every byte of it
 *
 * IKE has zeros where ESP has its SPI, and a keepalive is too short for one.
 * Returns 0, or -1 for what cannot be ESP.
 */
static __always_inline int parse_encap(struct xdp_md *ctx, const struct xfrm_xdp_flow_key *key,
				       struct xfrm_xdp_flow_key *esp)
{
	void *end = (void *)(long)ctx->data_end;
	void *l3 = (void *)(long)ctx->data + sizeof(struct ethhdr) +
		   (key->vlan ? sizeof(struct vlan_hdr) : 0);
	__be32 *spi;

	if (key->proto != IPPROTO_UDP || key->dport != bpf_htons(XFRM_XDP_NATT_PORT))
		return -1;
	spi = l3 + sizeof(struct udphdr) +
	      (key->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	if ((void *)(spi + 1) > end || !*spi)
		return -1;
	*esp = *key;
	esp->proto = IPPROTO_ESP;
	esp->encap = key->spi;
	esp->spi = *spi;
	return 0;
}

/*
 * parse_key() - the key of an Ethernet frame, with one 802.1Q tag or none
 * @ctx: frame
 * @ifindex: device it is received by
 * @sa: handle of the SA it was decrypted by, or 0
 * @key: result, every byte of it
 *
 * Returns 0, or -1 for what is never a flow.
 */
static __always_inline int parse_key(struct xdp_md *ctx, __u32 ifindex, __u64 sa,
				     struct xfrm_xdp_flow_key *key)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	void *l3 = data + sizeof(*eth);
	struct vlan_hdr *tag = l3;
	__be16 proto;

	__builtin_memset(key, 0, sizeof(*key));
	if (l3 > end)
		return -1;
	key->ifindex = ifindex;
	key->sa = sa;
	proto = eth->h_proto;
	if (proto == bpf_htons(ETH_P_8021Q)) {
		l3 += sizeof(*tag);
		if (l3 > end)
			return -1;
		key->vlan = bpf_ntohs(tag->h_vlan_TCI) & VLAN_VID_MASK;
		if (!key->vlan)
			return -1;
		proto = tag->h_vlan_encapsulated_proto;
	}
	switch (proto) {
	case bpf_htons(ETH_P_IP):
		return parse_ip4(key, l3, end);
	case bpf_htons(ETH_P_IPV6):
		return parse_ip6(key, l3, end);
	}
	return -1;
}

#endif
