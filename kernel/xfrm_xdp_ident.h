/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IDs of outer IPv4 headers that may be fragmented. __ip_select_ident() hashes the
 * addresses and adds to a counter that all CPUs share. Here each CPU reserves a few at
 * once for a pair of gateways, as GSO does for its segments.
 */
#ifndef _XFRM_XDP_IDENT_H
#define _XFRM_XDP_IDENT_H

#include <linux/hash.h>
#include <net/ip.h>

#define XFRM_XDP_IDENT_BITS	6

/**
 * struct xfrm_xdp_idents - what a CPU has reserved; used with BH off on that CPU
 * @net: namespace
 * @saddr: source address
 * @daddr: destination address
 * @next: the next ID
 * @left: how many there are
 * @batch: how many were reserved
 * @protocol: of what is inside
 */
struct xfrm_xdp_idents {
	const struct net *net;
	__be32 saddr;
	__be32 daddr;
	u16 next;
	u8 left;
	u8 batch;
	u8 protocol;
};

extern struct xfrm_xdp_idents __percpu *xfrm_xdp_idents;

int __init xfrm_xdp_ident_init(void);
void xfrm_xdp_ident_exit(void);

void xfrm_xdp_ident_reserve(struct xfrm_xdp_idents *ids, struct net *net, struct iphdr *iph);

/**
 * xfrm_xdp_ident() - an ID for a header, as __ip_select_ident() gives it
 * @net: namespace
 * @iph: the header; its addresses and protocol are there
 *
 * Context: softirq, or BH off.
 * Return: the ID, in network order.
 */
static __always_inline __be16 xfrm_xdp_ident(struct net *net, struct iphdr *iph)
{
	u32 hash = hash_32((__force u32)iph->saddr ^ (__force u32)iph->daddr,
			   XFRM_XDP_IDENT_BITS);
	struct xfrm_xdp_idents *ids = this_cpu_ptr(xfrm_xdp_idents) + hash;

	if (unlikely(!ids->left || ids->daddr != iph->daddr || ids->saddr != iph->saddr ||
		     ids->protocol != iph->protocol || ids->net != net))
		xfrm_xdp_ident_reserve(ids, net, iph);
	ids->left--;
	return htons(ids->next++);
}

#endif /* _XFRM_XDP_IDENT_H */
