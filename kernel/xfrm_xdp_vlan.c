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
 * xfrm_xdp_vlan_taken() - does the fast path know the frames of a device?
 * @dev: device of the stack
 *
 * Of VLAN devices those with one 802.1Q tag, which the stack takes out of the packet, on
 * a device of the same namespace.
 *
 * Context: RCU read side, or with a reference to @dev.
 */
bool xfrm_xdp_vlan_taken(const struct net_device *dev)
{
	const struct vlan_dev_priv *vlan = vlan_dev_priv(dev);

	if (likely(!is_vlan_dev(dev)))
		return true;
	return vlan->vlan_proto == htons(ETH_P_8021Q) && vlan->vlan_id &&
	       READ_ONCE(vlan->flags) & VLAN_FLAG_REORDER_HDR &&
	       !is_vlan_dev(vlan->real_dev) &&
	       net_eq(dev_net(vlan->real_dev), dev_net(dev));
}

/**
 * xfrm_xdp_vlan_real() - the device that sends and receives the frames of a device
 * @dev: device of the stack
 *
 * Context: RCU read side, or with a reference to @dev.
 * Return: the device below a VLAN device, else @dev.
 */
struct net_device *xfrm_xdp_vlan_real(const struct net_device *dev)
{
	return unlikely(is_vlan_dev(dev)) ? vlan_dev_priv(dev)->real_dev :
					    (struct net_device *)dev;
}

/**
 * xfrm_xdp_vlan_id() - the VLAN id of the frames of a device
 * @dev: device of the stack
 *
 * Context: RCU read side, or with a reference to @dev.
 * Return: the id, 0 for untagged.
 */
u16 xfrm_xdp_vlan_id(const struct net_device *dev)
{
	return unlikely(is_vlan_dev(dev)) ? vlan_dev_priv(dev)->vlan_id : 0;
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
 * xfrm_xdp_vlan_tx() - count a frame that leaves
 * @dev: device of the stack that it leaves by; only VLAN devices count here
 * @len: of the frame without its tag in bytes, as vlan_dev_hard_start_xmit() counts it
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_vlan_tx(const struct net_device *dev, unsigned int len)
{
	struct vlan_pcpu_stats *stats;

	if (likely(!is_vlan_dev(dev)))
		return;
	stats = this_cpu_ptr(vlan_dev_priv(dev)->vlan_pcpu_stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->tx_packets);
	u64_stats_add(&stats->tx_bytes, len);
	u64_stats_update_end(&stats->syncp);
}
#else
bool xfrm_xdp_vlan_taken(const struct net_device *dev)
{
	return true;
}

struct net_device *xfrm_xdp_vlan_real(const struct net_device *dev)
{
	return (struct net_device *)dev;
}

u16 xfrm_xdp_vlan_id(const struct net_device *dev)
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

void xfrm_xdp_vlan_tx(const struct net_device *dev, unsigned int len)
{
}
#endif

/**
 * xfrm_xdp_mac_len() - length of the link-layer header of what leaves by a device
 * @out: device of the stack
 *
 * Context: RCU read side, or with a reference to @out.
 * Return: bytes.
 */
unsigned int xfrm_xdp_mac_len(const struct net_device *out)
{
	return xfrm_xdp_vlan_id(out) ? VLAN_ETH_HLEN : ETH_HLEN;
}

/**
 * xfrm_xdp_mac_type() - say in a link-layer header what follows it
 * @mac: the header
 * @mac_len: its length in bytes
 * @family: AF_INET or AF_INET6
 *
 * Context: any.
 */
void xfrm_xdp_mac_type(u8 *mac, unsigned int mac_len, u8 family)
{
	__be16 *type = (__be16 *)(mac + mac_len) - 1;

	*type = family == AF_INET ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
}

/**
 * xfrm_xdp_mac_header() - write the link-layer header of what leaves by a device
 * @mac: where to; xfrm_xdp_mac_len() bytes
 * @out: device of the stack
 * @neigh: next hop on @out
 * @family: of the packet
 *
 * Context: RCU read side.
 */
void xfrm_xdp_mac_header(u8 *mac, const struct net_device *out,
			 struct neighbour *neigh, u8 family)
{
	struct vlan_ethhdr *veth = (struct vlan_ethhdr *)mac;
	u16 vlan = xfrm_xdp_vlan_id(out);

	neigh_ha_snapshot(veth->h_dest, neigh, out);
	ether_addr_copy(veth->h_source, out->dev_addr);
	if (vlan) {
		veth->h_vlan_proto = htons(ETH_P_8021Q);
		veth->h_vlan_TCI = htons(vlan);
	}
	xfrm_xdp_mac_type(mac, vlan ? VLAN_ETH_HLEN : ETH_HLEN, family);
}
