// SPDX-License-Identifier: GPL-2.0-only
/* What is not inline of checksums that were left to hardware (xfrm_xdp_checksum.h). */

#include <linux/netdevice.h>
#include <net/ip6_checksum.h>
#include <net/rtnetlink.h>
#include "xfrm_xdp_checksum.h"

/* A tap runs the program of its driver on an sk_buff where it got a GSO packet. */
static bool xfrm_xdp_checksum_tap(const struct xdp_buff *xdp)
{
	const struct rtnl_link_ops *ops = xdp->rxq->dev->rtnl_link_ops;

	return xfrm_xdp_on_device_queue(xdp) && ops && !strcmp(ops->kind, "tun");
}

/**
 * xfrm_xdp_checksum_owed() - an sk_buff behind the frame has its checksum finished later
 * @xdp: frame whose packet is xfrm_xdp_checksum_partial()
 *
 * Then it is finished on the way out, into ciphertext if need be, or by a device that cannot.
 *
 * Context: XDP.
 */
bool xfrm_xdp_checksum_owed(const struct xdp_buff *xdp)
{
	return xfrm_xdp_is_generic(xdp) || xfrm_xdp_checksum_tap(xdp);
}

/**
 * xfrm_xdp_checksum_pseudo() - what the packets of a flow have in common of the pseudo-header
 * @pkt: one of them
 *
 * Context: any.
 * Return: the folded sum, without the length; 0 for what is neither TCP nor UDP.
 */
__sum16 xfrm_xdp_checksum_pseudo(const struct xfrm_xdp_pkt *pkt)
{
	const xfrm_address_t *saddr = xfrm_xdp_pkt_saddr(pkt);
	const xfrm_address_t *daddr = xfrm_xdp_pkt_daddr(pkt);

	if (pkt->proto != IPPROTO_TCP && pkt->proto != IPPROTO_UDP)
		return 0;
	if (pkt->family == AF_INET)
		return ~csum_tcpudp_magic(saddr->a4, daddr->a4, 0, pkt->proto, 0);
	return ~csum_ipv6_magic(&saddr->in6, &daddr->in6, 0, pkt->proto, 0);
}

/**
 * xfrm_xdp_checksum_finish() - do what was left to hardware, as skb_checksum_help()
 * @pkt: xfrm_xdp_checksum_partial(), in a frame that will not go up the stack
 *
 * There the sk_buff behind the frame still says that the checksum is to be finished.
 *
 * Context: any.
 */
void xfrm_xdp_checksum_finish(const struct xfrm_xdp_pkt *pkt)
{
	unsigned int len = pkt->len - pkt->hlen;
	u8 *l4 = pkt->l3 + pkt->hlen;

	/* A complete checksum covers what the UDP header says, which may be less. */
	if (pkt->proto == IPPROTO_UDP && ((struct udphdr *)l4)->len != htons(len))
		return;
	*xfrm_xdp_checksum_field(pkt) = csum_fold(csum_partial(l4, len, 0)) ?: CSUM_MANGLED_0;
}
