// SPDX-License-Identifier: GPL-2.0-only
/* What is different where an XDP program runs on sk_buffs, after the driver. */

#include <linux/netdevice.h>
#include "xfrm_xdp_checksum.h"

/**
 * xfrm_xdp_generic_clear() - refuse frames in the clear that only the stack knows all of
 * @xdp: frame
 * @pkt: its packet
 *
 * What the stack has decrypted it receives once more, by the same device: there generic XDP
 * sees it, and not its sec_path. In the driver XDP comes before all that. A checksum that is
 * not finished may come by any device, from a veth or from GRO: see xfrm_xdp_checksum_owed().
 *
 * Context: XDP.
 * Return: XFRM_XDP_OK, or the reason to punt.
 */
int xfrm_xdp_generic_clear(const struct xdp_buff *xdp, const struct xfrm_xdp_pkt *pkt)
{
	if (!xfrm_xdp_is_generic(xdp))
		return XFRM_XDP_OK;
	if (xfrm_xdp_esp_decrypted_lately(xdp->rxq->dev))
		return XFRM_XDP_R_PUNT_GENERIC;
	return xfrm_xdp_checksum_partial(pkt, xfrm_xdp_checksum_pseudo(pkt)) ?
	       XFRM_XDP_R_PUNT_CHECKSUM : XFRM_XDP_OK;
}

/**
 * xfrm_xdp_generic_frame() - new bounds of a frame in generic mode, whose end stays
 * @xdp: frame
 * @start: link-layer header
 * @end: of the packet, before that of the frame
 *
 * Where the end of a frame moves, bpf_prog_run_generic_xdp() of 6.12 makes the tail
 * of the sk_buff the length of the link-layer header too large, and what is appended
 * there later ends up in the wrong place. So the packet moves instead.
 *
 * Context: XDP.
 */
void xfrm_xdp_generic_frame(struct xdp_buff *xdp, u8 *start, const u8 *end)
{
	unsigned int gap = (u8 *)xdp->data_end - end;

	memmove(start + gap, start, end - start);
	xdp->data = start + gap;
	xdp->data_meta = xdp->data;
}
