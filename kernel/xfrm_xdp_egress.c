// SPDX-License-Identifier: GPL-2.0-only
/* Can a frame leave by a device as the stack would have sent it? */

#include <linux/if_arp.h>
#include "xfrm_xdp.h"

static inline bool xfrm_xdp_egress_up(const struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER && netif_running(dev) && netif_carrier_ok(dev);
}

static int xfrm_xdp_egress_hooked_one(struct net_device *dev, struct netdev_nested_priv *priv)
{
	return xfrm_xdp_device_hooked(dev);
}

/**
 * xfrm_xdp_egress_hooked_below() - the same of the devices below another one
 * @out: device of the stack
 *
 * Whichever of them a frame leaves by: that is for a bond to choose.
 *
 * Context: RCU read side.
 */
bool xfrm_xdp_egress_hooked_below(const struct net_device *out)
{
	struct netdev_nested_priv priv = {};

	/* Most often one VLAN device on one port, which wants no walk. */
	if (likely(is_vlan_dev(out))) {
		out = xfrm_xdp_vlan_below(out);
		if (xfrm_xdp_device_hooked(out))
			return true;
		if (likely(list_empty(&out->adj_list.lower)))
			return false;
	}
	return netdev_walk_all_lower_dev_rcu((struct net_device *)out, xfrm_xdp_egress_hooked_one,
					     &priv);
}

/**
 * xfrm_xdp_egress_check() - does a device take frames that are redirected to it?
 * @in: ingress device, where XDP runs
 * @out: egress device of the stack
 *
 * Generic XDP transmits by itself; native XDP needs the driver, and a driver
 * that cannot drops in silence. Frames for a VLAN device go to the one below it.
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_egress_check(const struct net_device *in, const struct net_device *out)
{
	const struct net_device *real = xfrm_xdp_vlan_real(out);

	if (!xfrm_xdp_vlan_taken(out) || !xfrm_xdp_egress_up(out))
		return XFRM_XDP_R_PUNT_EGRESS;
	if (unlikely(real != out) && (!xfrm_xdp_egress_up(real) || xfrm_xdp_vlan_mapped(out)))
		return XFRM_XDP_R_PUNT_EGRESS;
	if (!(READ_ONCE(real->xdp_features) & NETDEV_XDP_ACT_NDO_XMIT) &&
	    !rcu_access_pointer(in->xdp_prog))
		return XFRM_XDP_R_PUNT_EGRESS;
	return xfrm_xdp_egress_hooked(out) ? XFRM_XDP_R_PUNT_EGRESS_HOOK : XFRM_XDP_OK;
}
