// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the stack itself decrypts. xfrm_input() asks the handlers of a protocol about each
 * packet that is verified and decapsulated, before anybody receives it again: from ESP in
 * IP, in UDP or in TCP, by esp4_offload in GRO, and after a transform that completed later.
 * The handlers here take no packet. They note what only a genuine packet may teach: no
 * packet gets here that has not passed its SA.
 */

#include <linux/jiffies.h>
#include <net/xfrm.h>
#include "xfrm_xdp.h"

/*
 * Before those of VTI (100) and xfrm interfaces (10), which give the packet their device and
 * end the round.
 */
#define XFRM_XDP_STACK_RX_PRIORITY	1000

/**
 * xfrm_xdp_esp_decrypted_at() - a device is about to receive what was decrypted
 * @dev: the device; of a VLAN device the one below, where XDP runs
 *
 * The stack receives such packets a second time, and generic XDP sees them as if they had
 * come in the clear. See xfrm_xdp_generic_clear().
 *
 * Context: BH off, RCU read side; before the packet is received again.
 */
void xfrm_xdp_esp_decrypted_at(const struct net_device *dev)
{
	unsigned long now = jiffies ?: 1;
	struct xfrm_xdp_port *port;

	port = xfrm_xdp_port_get(xfrm_xdp_net(dev_net(dev)), xfrm_xdp_vlan_real(dev)->ifindex);
	if (port && READ_ONCE(port->esp_decrypted) != now)
		WRITE_ONCE(port->esp_decrypted, now);
}

/**
 * xfrm_xdp_esp_decrypted_lately() - tell whether a device may receive what was decrypted
 * @dev: the device
 *
 * Between the two a packet waits for no more than a softirq, perhaps of another CPU, and the
 * queue to there orders the stamp, too. So any time that is far longer would do; the one
 * after which a flow is forgotten is, and it is longer than the renewal interval in which an
 * SA in use has one packet decrypted by the stack. A second at least, whatever it is set to.
 *
 * Context: any.
 */
bool xfrm_xdp_esp_decrypted_lately(const struct net_device *dev)
{
	const struct xfrm_xdp_port *port;
	unsigned long at;

	port = xfrm_xdp_port_find(xfrm_xdp_net(dev_net(dev)), dev->ifindex);
	at = port ? READ_ONCE(port->esp_decrypted) : 0;
	return at && time_before(jiffies, at + max_t(u32, xfrm_xdp_idle_time(), HZ));
}

/* Of ESP, AH and IPComp of either family: @err: the packet is dropped. */
static int xfrm_xdp_stack_rx_cb(struct sk_buff *skb, int err)
{
	if (!err) {
		xfrm_xdp_esp_decrypted_at(skb->dev);
		xfrm_xdp_iface_arrived(skb->dev, xfrm_input_state(skb));
	}
	/* The next handler's turn; -EINVAL and -ENOENT below say the same. */
	return 1;
}

static int xfrm_xdp_stack_rx(struct sk_buff *skb)
{
	return -EINVAL;
}

static int xfrm_xdp_stack_rx_input(struct sk_buff *skb, int nexthdr, __be32 spi, int encap_type)
{
	return -EINVAL;
}

static int xfrm_xdp_stack_rx_err4(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

static int xfrm_xdp_stack_rx_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
				  u8 code, int offset, __be32 info)
{
	return -ENOENT;
}

static const u8 xfrm_xdp_stack_rx_protos[] = { IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP };

#define XFRM_XDP_STACK_RX_PROTOS	ARRAY_SIZE(xfrm_xdp_stack_rx_protos)

static struct xfrm4_protocol xfrm_xdp_stack_rx4[XFRM_XDP_STACK_RX_PROTOS] = {
	[0 ... XFRM_XDP_STACK_RX_PROTOS - 1] = {
		.handler	= xfrm_xdp_stack_rx,
		.input_handler	= xfrm_xdp_stack_rx_input,
		.cb_handler	= xfrm_xdp_stack_rx_cb,
		.err_handler	= xfrm_xdp_stack_rx_err4,
		.priority	= XFRM_XDP_STACK_RX_PRIORITY,
	},
};

static struct xfrm6_protocol xfrm_xdp_stack_rx6[XFRM_XDP_STACK_RX_PROTOS] = {
	[0 ... XFRM_XDP_STACK_RX_PROTOS - 1] = {
		.handler	= xfrm_xdp_stack_rx,
		.input_handler	= xfrm_xdp_stack_rx_input,
		.cb_handler	= xfrm_xdp_stack_rx_cb,
		.err_handler	= xfrm_xdp_stack_rx_err6,
		.priority	= XFRM_XDP_STACK_RX_PRIORITY,
	},
};

/* Those of the first @nr protocols; each waits for whoever is in a handler. */
static void xfrm_xdp_stack_rx_remove(unsigned int nr4, unsigned int nr6)
{
	while (nr6--)
		xfrm6_protocol_deregister(&xfrm_xdp_stack_rx6[nr6], xfrm_xdp_stack_rx_protos[nr6]);
	while (nr4--)
		xfrm4_protocol_deregister(&xfrm_xdp_stack_rx4[nr4], xfrm_xdp_stack_rx_protos[nr4]);
}

int __init xfrm_xdp_stack_rx_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < XFRM_XDP_STACK_RX_PROTOS; i++) {
		err = xfrm4_protocol_register(&xfrm_xdp_stack_rx4[i], xfrm_xdp_stack_rx_protos[i]);
		if (err) {
			/* It may be listed in spite of that. */
			xfrm_xdp_stack_rx_remove(i + 1, i);
			return err;
		}
		err = xfrm6_protocol_register(&xfrm_xdp_stack_rx6[i], xfrm_xdp_stack_rx_protos[i]);
		if (err) {
			xfrm_xdp_stack_rx_remove(i + 1, i + 1);
			return err;
		}
	}
	return 0;
}

void xfrm_xdp_stack_rx_exit(void)
{
	xfrm_xdp_stack_rx_remove(XFRM_XDP_STACK_RX_PROTOS, XFRM_XDP_STACK_RX_PROTOS);
}
