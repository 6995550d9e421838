/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checksums that the sender left to hardware. The other end of a veth or xen-netfront and the
 * user of a tap are software, and hand over TCP and UDP with the sum of the pseudo-header in the
 * checksum field (CHECKSUM_PARTIAL); an sk_buff says so, a frame does not. So every packet that
 * came in the clear is looked at, whatever its device. Inline.
 */
#ifndef _XFRM_XDP_CHECKSUM_H
#define _XFRM_XDP_CHECKSUM_H

#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include "xfrm_xdp.h"

void xfrm_xdp_checksum_finish(const struct xfrm_xdp_pkt *pkt);

/* Of a TCP or UDP packet; as parsed, its transport header is there. */
static __always_inline __sum16 *xfrm_xdp_checksum_field(const struct xfrm_xdp_pkt *pkt)
{
	return (__sum16 *)(pkt->l3 + pkt->hlen + (pkt->proto == IPPROTO_TCP ?
						  offsetof(struct tcphdr, check) :
						  offsetof(struct udphdr, check)));
}

/**
 * xfrm_xdp_checksum_partial() - the checksum field has the sum of the pseudo-header only
 * @pkt: the packet
 * @pseudo: xfrm_xdp_checksum_pseudo() of it, or 0
 *
 * Of 65,536 checksums that are complete one is the same: to finish it changes nothing.
 *
 * Context: any.
 */
static __always_inline bool xfrm_xdp_checksum_partial(const struct xfrm_xdp_pkt *pkt,
						      __sum16 pseudo)
{
	return unlikely(pseudo) &&
	       *xfrm_xdp_checksum_field(pkt) == csum16_add(pseudo, htons(pkt->len - pkt->hlen));
}

#endif /* _XFRM_XDP_CHECKSUM_H */
