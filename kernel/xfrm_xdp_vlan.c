// SPDX-License-Identifier: GPL-2.0-only
/*
 * 802.1Q. XDP runs at the real device and sees the tag in the frame; the stack knows the
 * VLAN device. A flow has the real device and the VLAN id in its key, and holds the VLAN
 * devices at both ends, whose addresses, MTU, hooks and counters are those that count.
 * Only what include/linux/if_vlan.h has inline is used: 8021q may be absent.
 */

#include <linux/if_vlan.h>
#include <net/neighbour.h>
#include "xfrm_xdp.h"

#if IS_ENABLED(CONFIG_VLAN_8021Q)
/**
 * xfrm_xdp_vlan_known() - does the fast path know the frames of a VLAN device?
 * @dev: VLAN device
 *
 * Those with one 802.1Q tag, which the stack takes out of the packet, on a device of the
 * same namespace.
 *
 * Context: RCU read side, or with a reference to @dev.
 */
bool xfrm_xdp_vlan_known(const struct net_device *dev)
{
	const struct vlan_dev_priv *vlan = vlan_dev_priv(dev);

	return vlan->vlan_proto == htons(ETH_P_8021Q) && vlan->vlan_id &&
	       READ_ONCE(vlan->flags) & VLAN_FLAG_REORDER_HDR &&
	       !is_vlan_dev(vlan->real_dev) &&
	       net_eq(dev_net(vlan->real_dev), dev_net(dev));
}

/**
 * xfrm_xdp_vlan_below() - the device that a VLAN device is on
 * @dev: VLAN device
 *
 * Context: RCU read side, or with a reference to @dev.
 */
struct net_device *xfrm_xdp_vlan_below(const struct net_device *dev)
{
	return vlan_dev_priv(dev)->real_dev;
}

/**
 * xfrm_xdp_vlan_tag() - the VLAN id of the frames of a VLAN device
 * @dev: VLAN device
 *
 * Context: RCU read side, or with a reference to @dev.
 */
u16 xfrm_xdp_vlan_tag(const struct net_device *dev)
{
	return vlan_dev_priv(dev)->vlan_id;
}

/**
 * xfrm_xdp_vlan_mapped() - does the priority of a packet decide of its tag?
 * @dev: device of the stack
 *
 * Context: RCU read side, or with a reference to @dev.
 */
bool xfrm_xdp_vlan_mapped(const struct net_device *dev)
{
	return is_vlan_dev(dev) && READ_ONCE(vlan_dev_priv(dev)->nr_egress_mappings);
}

/**
 * xfrm_xdp_vlan_rx() - count a frame that did not go on to the stack
 * @dev: VLAN device that it is of
 * @len: of its IP packet in bytes, as vlan_do_receive() counts it
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_vlan_rx(const struct net_device *dev, unsigned int len)
{
	struct vlan_pcpu_stats *stats = this_cpu_ptr(vlan_dev_priv(dev)->vlan_pcpu_stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->rx_packets);
	u64_stats_add(&stats->rx_bytes, len);
	u64_stats_update_end(&stats->syncp);
}

/**
 * xfrm_xdp_vlan_sent() - count a frame that leaves
 * @dev: VLAN device that it leaves by
 * @len: of the frame without its tag in bytes, as vlan_dev_hard_start_xmit() counts it
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_vlan_sent(const struct net_device *dev, unsigned int len)
{
	struct vlan_pcpu_stats *stats = this_cpu_ptr(vlan_dev_priv(dev)->vlan_pcpu_stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->tx_packets);
	u64_stats_add(&stats->tx_bytes, len);
	u64_stats_update_end(&stats->syncp);
}
#else
/* is_vlan_dev() is always false: nobody asks. */
bool xfrm_xdp_vlan_known(const struct net_device *dev)
{
	return false;
}

struct net_device *xfrm_xdp_vlan_below(const struct net_device *dev)
{
	return NULL;
}

u16 xfrm_xdp_vlan_tag(const struct net_device *dev)
{
	return 0;
}

bool xfrm_xdp_vlan_mapped(const struct net_device *dev)
{
	return false;
}

void xfrm_xdp_vlan_rx(const struct net_device *dev, unsigned int len)
{
}

void xfrm_xdp_vlan_sent(const struct net_device *dev, unsigned int len)
{
}
#endif
