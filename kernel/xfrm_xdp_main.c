// SPDX-License-Identifier: GPL-2.0-only
/* The module: what it listens to in the kernel, and its life. */

#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>
#include <net/xfrm.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_ident.h"

/*
 * As a key manager the module hears of every change of the security policy at
 * once, also of those that no generation id tells (a deleted inbound policy).
 */
static int xfrm_xdp_km_policy(struct xfrm_policy *xp, int dir,
			      const struct km_event *c)
{
	struct net *net = xp ? xp_net(xp) : c->net;

	if (xp)
		xfrm_xdp_policy_noted(xp, dir);
	if (net)
		xfrm_xdp_policy_changed(net);
	return 0;
}

/*
 * SAs that die are forgotten soon; packets see their state at once. What else an SA gives
 * its packets, their mark and interface, it may be told anew.
 */
static int xfrm_xdp_km_state(struct xfrm_state *x, const struct km_event *c)
{
	struct net *net = x ? xs_net(x) : c->net;

	switch (c->event) {
	case XFRM_MSG_DELSA:
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_EXPIRE:
		xfrm_xdp_flow_sweep_soon(xfrm_xdp_net(net));
		break;
	case XFRM_MSG_NEWSA:
		xfrm_xdp_policy_met(x);
		break;
	case XFRM_MSG_UPDSA:
		/*
		 * One that only brought its news to another is dead; the others take the place of
		 * a larval one: xfrm_state_update().
		 */
		if (x->km.state != XFRM_STATE_DEAD)
			xfrm_xdp_policy_met(x);
		else if (x->props.smark.m || x->props.smark.v || x->if_id)
			xfrm_xdp_policy_changed(net);
	}
	return 0;
}

/* Templates of a policy have changed, of which no policy's event tells. */
static int xfrm_xdp_km_migrate(const struct xfrm_selector *sel, u8 dir, u8 type,
			       const struct xfrm_migrate *m, int num_bundles,
			       const struct xfrm_kmaddress *k, struct net *net,
			       const struct xfrm_encap_tmpl *encap)
{
	xfrm_xdp_policy_changed(net);
	/* Nobody was told by this. */
	return -EOPNOTSUPP;
}

/* What XFRM asks every key manager for; this one negotiates nothing. */
static int xfrm_xdp_km_acquire(struct xfrm_state *x, struct xfrm_tmpl *t,
			       struct xfrm_policy *xp)
{
	return -EOPNOTSUPP;
}

static struct xfrm_policy *xfrm_xdp_km_compile(struct sock *sk, int opt, u8 *data,
					       int len, int *dir)
{
	/* *dir holds the error of the manager that was asked before. */
	return NULL;
}

static struct xfrm_mgr xfrm_xdp_km = {
	.notify		= xfrm_xdp_km_state,
	.acquire	= xfrm_xdp_km_acquire,
	.compile_policy	= xfrm_xdp_km_compile,
	.notify_policy	= xfrm_xdp_km_policy,
	.migrate	= xfrm_xdp_km_migrate,
};

static int xfrm_xdp_netdev_event(struct notifier_block *nb, unsigned long event,
				 void *ptr)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct xfrm_xdp_net *xn = xfrm_xdp_net(dev_net(dev));

	switch (event) {
	case NETDEV_DOWN:
	/* What a port of a bridge receives is not for the IP layer any more. */
	case NETDEV_CHANGEUPPER:
		xfrm_xdp_port_purge(xn, dev);
		break;
	case NETDEV_UNREGISTER:
		xfrm_xdp_port_remove(xn, dev);
	}
	return NOTIFY_DONE;
}

static struct notifier_block xfrm_xdp_netdev_nb = {
	.notifier_call = xfrm_xdp_netdev_event,
};

/* No device went, and no route that a flow would ask: what is for an address no longer is. */
static int xfrm_xdp_addr_event(const struct net_device *dev, unsigned long event)
{
	if (event == NETDEV_DOWN)
		atomic_inc(&xfrm_xdp_net(dev_net(dev))->addr_gen);
	return NOTIFY_DONE;
}

static int xfrm_xdp_addr4_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	return xfrm_xdp_addr_event(ifa->ifa_dev->dev, event);
}

static int xfrm_xdp_addr6_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;

	return xfrm_xdp_addr_event(ifa->idev->dev, event);
}

static struct notifier_block xfrm_xdp_addr4_nb = {
	.notifier_call = xfrm_xdp_addr4_event,
};

static struct notifier_block xfrm_xdp_addr6_nb = {
	.notifier_call = xfrm_xdp_addr6_event,
};

static int __init xfrm_xdp_init(void)
{
	int err;

	xfrm_xdp_meta_init();
	err = xfrm_xdp_arrival_init();
	if (err)
		return err;
	err = xfrm_xdp_ident_init();
	if (err)
		goto arrival;
	err = xfrm_xdp_frame_init();
	if (err)
		goto ident;
	err = xfrm_xdp_flow_init();
	if (err)
		goto frame;
	err = xfrm_xdp_stats_init();
	if (err)
		goto flow;
	err = register_netdevice_notifier(&xfrm_xdp_netdev_nb);
	if (err)
		goto stats;
	err = register_inetaddr_notifier(&xfrm_xdp_addr4_nb);
	if (err)
		goto netdev;
	err = register_inet6addr_notifier(&xfrm_xdp_addr6_nb);
	if (err)
		goto addr4;
	err = xfrm_xdp_stack_rx_init();
	if (err)
		goto addr6;
	xfrm_register_km(&xfrm_xdp_km);
	xfrm_xdp_policy_init();
	err = xfrm_xdp_bpf_init();
	if (err)
		goto km;
	xfrm_xdp_flow_running(true);
	return 0;
km:
	xfrm_unregister_km(&xfrm_xdp_km);
	xfrm_xdp_stack_rx_exit();
addr6:
	unregister_inet6addr_notifier(&xfrm_xdp_addr6_nb);
addr4:
	unregister_inetaddr_notifier(&xfrm_xdp_addr4_nb);
netdev:
	unregister_netdevice_notifier(&xfrm_xdp_netdev_nb);
stats:
	xfrm_xdp_stats_exit();
flow:
	xfrm_xdp_flow_exit();
frame:
	xfrm_xdp_frame_exit();
ident:
	xfrm_xdp_ident_exit();
arrival:
	xfrm_xdp_arrival_exit();
	return err;
}

/* Every program that called a kfunc held the module: none does any more. */
static void __exit xfrm_xdp_exit(void)
{
	xfrm_xdp_flow_running(false);
	xfrm_unregister_km(&xfrm_xdp_km);
	xfrm_xdp_stack_rx_exit();
	unregister_inet6addr_notifier(&xfrm_xdp_addr6_nb);
	unregister_inetaddr_notifier(&xfrm_xdp_addr4_nb);
	unregister_netdevice_notifier(&xfrm_xdp_netdev_nb);
	xfrm_xdp_stats_exit();
	xfrm_xdp_frame_exit();
	xfrm_xdp_flow_exit();
	xfrm_xdp_ident_exit();
	xfrm_xdp_arrival_exit();
}

module_init(xfrm_xdp_init);
module_exit(xfrm_xdp_exit);
MODULE_DESCRIPTION("IPsec ESP at the XDP hook: kfuncs that call XFRM without an sk_buff");
MODULE_LICENSE("GPL");
MODULE_VERSION(XFRM_XDP_VERSION);
