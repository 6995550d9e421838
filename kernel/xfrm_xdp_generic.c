// SPDX-License-Identifier: GPL-2.0-only
/* What is different where an XDP program runs on sk_buffs, after the driver. */

#include <linux/netdevice.h>
#include <net/netdev_rx_queue.h>
#include "xfrm_xdp.h"

/**
 * xfrm_xdp_on_device_queue() - is the receive queue one of the device itself?
 * @xdp: frame
 *
 * Generic XDP and test runs use those; drivers register queues of their own.
 *
 * Context: XDP.
 */
bool xfrm_xdp_on_device_queue(const struct xdp_buff *xdp)
{
	const struct net_device *dev = xdp->rxq->dev;
	const void *rxq = xdp->rxq, *rx = dev->_rx;

	return rxq >= rx && rxq < rx + dev->num_rx_queues * sizeof(*dev->_rx);
}

/**
 * xfrm_xdp_set_frame() - new bounds of a frame, without metadata
 * @xdp: frame
 * @start: link-layer header
 * @end: of the packet
 *
 * Where the end of a frame moves, bpf_prog_run_generic_xdp() of 6.12 makes the tail
 * of the sk_buff the length of the link-layer header too large, and what is appended
 * there later ends up in the wrong place. So in generic mode the packet moves instead.
 *
 * Context: XDP.
 */
void xfrm_xdp_set_frame(struct xdp_buff *xdp, u8 *start, u8 *end)
{
	unsigned int gap;

	if (unlikely(end < (u8 *)xdp->data_end && xfrm_xdp_is_generic(xdp))) {
		gap = (u8 *)xdp->data_end - end;
		memmove(start + gap, start, end - start);
		start += gap;
		end += gap;
	}
	xdp->data = start;
	xdp->data_end = end;
	xdp->data_meta = start;
}
