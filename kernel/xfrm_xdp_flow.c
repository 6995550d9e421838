// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows: found by their key (see xfrm_xdp_table.c), or by a handle (xfrm_xdp_slots.c).
 *
 * A flow is constant once inserted; a change replaces it under a new handle.
 * Lookups run under RCU and take no reference: everything that a flow refers
 * to (dst, SA, neighbour, device) is itself freed only after a grace period, so
 * its references are dropped as soon as it is unlinked. A cached flow therefore
 * never blocks the removal of a device, an SA or a namespace.
 */

#include <linux/hash.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/neighbour.h>
#include "xfrm_xdp.h"

static unsigned int revalidate_ms = 1000;
u32 xfrm_xdp_interval __read_mostly = HZ;

/*
 * How many flows have been unlinked, from 1 on; 64 bits do not come round. Who reads it before
 * looking for a flow, and the same in a later RCU read side, may use the flow there: what is
 * unlinked afterwards lives as long as that.
 */
unsigned long xfrm_xdp_unlinked = 1;

static u32 xfrm_xdp_jiffies(unsigned int ms)
{
	return min_t(unsigned long, msecs_to_jiffies(ms), XFRM_XDP_JIFFIES_MAX);
}

static int revalidate_ms_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (!err)
		WRITE_ONCE(xfrm_xdp_interval, xfrm_xdp_jiffies(revalidate_ms));
	return err;
}

static const struct kernel_param_ops revalidate_ms_ops = {
	.set = revalidate_ms_set,
	.get = param_get_uint,
};
module_param_cb(revalidate_ms, &revalidate_ms_ops, &revalidate_ms, 0644);
MODULE_PARM_DESC(revalidate_ms, "within how many ms a flow is renewed by the stack, or stops (default 1000)");

static unsigned int idle_ms = 30000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "after how many idle ms a flow is forgotten (default 30000)");

DEFINE_SPINLOCK(xfrm_xdp_slots_lock);

static struct kmem_cache *xfrm_xdp_flow_cache;
static u32 xfrm_xdp_bundles;	/* that flows hold */

/**
 * xfrm_xdp_flow_alloc() - a flow that is not in the table yet
 * @id: what it is learned from
 * @in: device of the stack by which its packets are received, or NULL
 *
 * Context: any.
 * Return: the flow or NULL; ends in xfrm_xdp_flow_insert() or _free().
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_alloc(const struct xfrm_xdp_flow_id *id,
					  const struct net_device *in)
{
	struct xfrm_xdp_flow *flow = kmem_cache_zalloc(xfrm_xdp_flow_cache,
						       GFP_ATOMIC | __GFP_NOWARN);

	if (!flow)
		return NULL;
	flow->key = id->key;
	flow->net = id->net;
	flow->kind = id->kind;
	flow->handed = id->kind == XFRM_XDP_FLOW_SA;
	flow->renewed = jiffies;
	/* Not in a tick that may be some CPU's: see xfrm_xdp_forward_tick(). */
	flow->used = jiffies - HZ;
	if (in && is_vlan_dev(in)) {
		flow->in = (struct net_device *)in;
		netdev_hold(flow->in, &flow->in_tracker, GFP_ATOMIC);
	}
	return flow;
}

/**
 * xfrm_xdp_flow_free() - drop a flow's references, and the flow after RCU
 * @flow: not in the table, or not any more
 *
 * Context: any.
 */
void xfrm_xdp_flow_free(struct xfrm_xdp_flow *flow)
{
	dst_release(flow->dst);
	if (flow->neigh)
		neigh_release(flow->neigh);
	if (flow->x)
		xfrm_state_put(flow->x);
	netdev_put(flow->out, &flow->tracker);
	netdev_put(flow->in, &flow->in_tracker);
	kfree_rcu(flow, rcu);
}

/*
 * How many flows have to do with a device, by a hash of it: one that none has to do with
 * may go without a look at a million flows. Whatever xfrm_xdp_flow_uses_dev() compares is
 * counted here.
 */
#define XFRM_XDP_DEV_BITS	8
static u32 xfrm_xdp_dev_users[BIT(XFRM_XDP_DEV_BITS)];

static void xfrm_xdp_dev_account(const struct net_device *dev, int by)
{
	if (dev)
		xfrm_xdp_dev_users[hash_ptr(dev, XFRM_XDP_DEV_BITS)] += by;
}

static void xfrm_xdp_flow_account(const struct xfrm_xdp_flow *flow, int by)
{
	xfrm_xdp_net(flow->net)->flows += by;
	if (flow->dst && flow->dst->xfrm)
		xfrm_xdp_bundles += by;
	xfrm_xdp_dev_users[hash_32(flow->key.ifindex, XFRM_XDP_DEV_BITS)] += by;
	xfrm_xdp_dev_account(flow->in, by);
	xfrm_xdp_dev_account(flow->out, by);
	if (flow->out && is_vlan_dev(flow->out))
		xfrm_xdp_dev_account(xfrm_xdp_vlan_real(flow->out), by);
}

static bool xfrm_xdp_dev_unused(const struct net_device *dev)
{
	return !READ_ONCE(xfrm_xdp_dev_users[hash_32(dev->ifindex, XFRM_XDP_DEV_BITS)]) &&
	       !READ_ONCE(xfrm_xdp_dev_users[hash_ptr(dev, XFRM_XDP_DEV_BITS)]);
}

static void xfrm_xdp_flow_unlink(struct xfrm_xdp_flow *flow)
{
	lockdep_assert_held(&xfrm_xdp_slots_lock);
	xfrm_xdp_table_remove(flow);
	xfrm_xdp_slots_take(flow);
	/* Who reads the new count finds it neither in the table nor by its handle. */
	smp_store_release(&xfrm_xdp_unlinked, xfrm_xdp_unlinked + 1);
	xfrm_xdp_flow_account(flow, -1);
	if (flow->kind < XFRM_XDP_FLOW_LEAVING)
		xfrm_xdp_count(flow->net, XFRM_XDP_R_RECLAIMED);
	xfrm_xdp_flow_free(flow);
}

/* Is it still the one in its slot? Only then may it be unlinked. */
static bool xfrm_xdp_flow_linked(const struct xfrm_xdp_flow *flow)
{
	return xfrm_xdp_flow_get(flow->handle) == flow;
}

/* A slot for a flow; flows that are not SAs push out others for it. */
static int xfrm_xdp_flow_make_room(const struct xfrm_xdp_flow *flow)
{
	int err = xfrm_xdp_slots_room(flow), i;
	struct xfrm_xdp_flow *victim;

	/* Two, so that a limit that was lowered is reached in the end. */
	for (i = 0; err && xfrm_xdp_slots_pushes(flow) && i < 2; i++) {
		victim = xfrm_xdp_slots_victim();
		if (!victim)
			break;
		if (victim->kind < XFRM_XDP_FLOW_LEAVING)
			xfrm_xdp_count(victim->net, XFRM_XDP_R_EVICTED);
		xfrm_xdp_flow_unlink(victim);
		err = xfrm_xdp_slots_room(flow);
	}
	return err;
}

/**
 * xfrm_xdp_flow_insert() - put a flow into the table and give it a handle
 * @flow: complete, from xfrm_xdp_flow_alloc()
 * @old: a flow of the same id that it replaces, or NULL
 *
 * Context: any; RCU read side where @old is given.
 * Return: 0; -ENOSPC where there are too many SAs; -EEXIST where another CPU was
 * faster; -ENOMEM or -EBUSY where the table cannot grow just now: the flow's next
 * packet teaches it again. @flow is the caller's still.
 */
int xfrm_xdp_flow_insert(struct xfrm_xdp_flow *flow, struct xfrm_xdp_flow *old)
{
	int err;

	spin_lock_bh(&xfrm_xdp_slots_lock);
	if (old && xfrm_xdp_flow_linked(old))
		xfrm_xdp_flow_unlink(old);
	err = xfrm_xdp_flow_make_room(flow);
	if (err)
		goto unlock;
	/* It may be found as soon as it is in the table: complete before that. */
	xfrm_xdp_slots_handle(flow);
	err = xfrm_xdp_table_insert(flow);
	if (err)
		goto unlock;
	xfrm_xdp_slots_put(flow);
	xfrm_xdp_flow_account(flow, 1);
	/* One that died meanwhile may have been looked for before it was here. */
	smp_mb();
	if (unlikely(flow->x && READ_ONCE(flow->x->km.state) != XFRM_STATE_VALID))
		xfrm_xdp_flow_sweep_soon();
unlock:
	spin_unlock_bh(&xfrm_xdp_slots_lock);
	return err;
}

/**
 * xfrm_xdp_flow_remove() - forget a flow
 * @flow: found under the same RCU read side
 *
 * Context: any; RCU read side.
 */
void xfrm_xdp_flow_remove(struct xfrm_xdp_flow *flow)
{
	spin_lock_bh(&xfrm_xdp_slots_lock);
	if (xfrm_xdp_flow_linked(flow))
		xfrm_xdp_flow_unlink(flow);
	spin_unlock_bh(&xfrm_xdp_slots_lock);
}

/**
 * xfrm_xdp_flow_aged() - xfrm_xdp_flow_fresh() in the second half of the interval, or after it
 * @flow: the flow
 * @interval: xfrm_xdp_interval
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_flow_aged(struct xfrm_xdp_flow *flow, u32 interval)
{
	u32 age = xfrm_xdp_flow_age(flow);

	/* It falls idle and is swept, before its age can begin anew. */
	if (age > interval)
		return XFRM_XDP_R_PUNT_STALE;
	if (age > interval / 2 && !READ_ONCE(flow->revalidating) &&
	    !xchg(&flow->revalidating, 1))
		return XFRM_XDP_R_PUNT_REVALIDATE;
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_flow_renew() - the stack accepted another packet of the flow
 * @flow: the flow
 * @when: jiffies of that, the low half
 *
 * Context: RCU read side.
 */
void xfrm_xdp_flow_renew(struct xfrm_xdp_flow *flow, u32 when)
{
	WRITE_ONCE(flow->renewed, when);
	WRITE_ONCE(flow->revalidating, 0);
	xfrm_xdp_count(flow->net, XFRM_XDP_R_RENEWED);
}

/**
 * xfrm_xdp_flow_left() - the stack sent an ESP packet
 * @flow: of kind XFRM_XDP_FLOW_LEAVING
 *
 * Context: RCU read side.
 */
void xfrm_xdp_flow_left(struct xfrm_xdp_flow *flow)
{
	WRITE_ONCE(flow->renewed, jiffies);
	WRITE_ONCE(flow->used, jiffies);
	WRITE_ONCE(flow->left, true);
}

struct xfrm_xdp_purge {
	bool (*match)(const struct xfrm_xdp_flow *flow, const void *arg);
	const void *arg;
};

static void xfrm_xdp_flow_purge_one(struct xfrm_xdp_flow *flow, const void *arg)
{
	const struct xfrm_xdp_purge *purge = arg;

	if (purge->match(flow, purge->arg))
		xfrm_xdp_flow_remove(flow);
}

/* Unlink all flows for which @match says so; the lock is taken for these only. */
static void xfrm_xdp_flow_purge(bool (*match)(const struct xfrm_xdp_flow *flow,
					      const void *arg), const void *arg)
{
	struct xfrm_xdp_purge purge = { .match = match, .arg = arg };

	xfrm_xdp_slots_walk(xfrm_xdp_flow_purge_one, &purge);
}

static bool xfrm_xdp_flow_uses_dev(const struct xfrm_xdp_flow *flow, const void *arg)
{
	const struct net_device *dev = arg;

	return flow->out == dev || flow->in == dev ||
	       (flow->out && xfrm_xdp_vlan_real(flow->out) == dev) ||
	       (flow->key.ifindex == dev->ifindex && flow->net == dev_net(dev));
}

/**
 * xfrm_xdp_flow_purge_dev() - forget what comes in or leaves by a device
 * @dev: device that goes down
 *
 * Context: process.
 */
void xfrm_xdp_flow_purge_dev(const struct net_device *dev)
{
	/* Anybody may have a namespace with devices that come and go, but no flows in it. */
	if (READ_ONCE(xfrm_xdp_net(dev_net(dev))->flows) && !xfrm_xdp_dev_unused(dev))
		xfrm_xdp_flow_purge(xfrm_xdp_flow_uses_dev, dev);
}

static bool xfrm_xdp_flow_in_net(const struct xfrm_xdp_flow *flow, const void *arg)
{
	return flow->net == arg;
}

/**
 * xfrm_xdp_flow_purge_net() - forget the flows of a network namespace
 * @net: the namespace
 *
 * Context: process.
 */
void xfrm_xdp_flow_purge_net(const struct net *net)
{
	if (READ_ONCE(xfrm_xdp_net(net)->flows))
		xfrm_xdp_flow_purge(xfrm_xdp_flow_in_net, net);
	/*
	 * It may be about to go: who has just taken a flow out counts it there before the
	 * lock is free.
	 */
	spin_lock_bh(&xfrm_xdp_slots_lock);
	spin_unlock_bh(&xfrm_xdp_slots_lock);
}

/* An SA's keys must not outlive it by our reference. */
static bool xfrm_xdp_flow_sa_died(const struct xfrm_xdp_flow *flow)
{
	return flow->x && READ_ONCE(flow->x->km.state) != XFRM_STATE_VALID;
}

/* Is it there, with the SAs that it comes and leaves by? */
static bool xfrm_xdp_flow_lives(const struct xfrm_xdp_flow *flow)
{
	const struct xfrm_xdp_flow *sa;

	if (!flow || xfrm_xdp_flow_sa_died(flow))
		return false;
	if (!flow->key.sa)
		return true;
	sa = xfrm_xdp_flow_get(flow->key.sa);
	return sa && !xfrm_xdp_flow_sa_died(sa);
}

/**
 * xfrm_xdp_flow_counts() - what the fast path has finished of a flow
 * @handle: of the flow, of a kind that the flow map has
 * @packets: result: how many
 * @bytes: result: of how many bytes, as they came in
 *
 * Context: any.
 * Return: false, and nothing, where there is no such flow or an SA of it died.
 */
bool xfrm_xdp_flow_counts(u64 handle, u64 *packets, u64 *bytes)
{
	const struct xfrm_xdp_flow *flow;
	bool lives;

	rcu_read_lock();
	flow = xfrm_xdp_flow_get(handle);
	lives = xfrm_xdp_flow_lives(flow) && flow->kind < XFRM_XDP_FLOW_LEAVING;
	*packets = lives ? READ_ONCE(flow->packets) : 0;
	*bytes = lives ? READ_ONCE(flow->bytes) : 0;
	rcu_read_unlock();
	return lives;
}

static bool xfrm_xdp_flow_dead(const struct xfrm_xdp_flow *flow, const void *arg)
{
	return xfrm_xdp_flow_sa_died(flow) ||
	       xfrm_xdp_flow_idle(flow) > xfrm_xdp_jiffies(READ_ONCE(idle_ms));
}

static void xfrm_xdp_flow_sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(xfrm_xdp_sweeper, xfrm_xdp_flow_sweep);

static unsigned long xfrm_xdp_last_sweep;

static void xfrm_xdp_flow_sweep(struct work_struct *work)
{
	WRITE_ONCE(xfrm_xdp_last_sweep, jiffies);
	xfrm_xdp_flow_purge(xfrm_xdp_flow_dead, NULL);
	xfrm_xdp_slots_shrink();
	/* Not later than somebody has asked for meanwhile. */
	queue_delayed_work(system_unbound_wq, &xfrm_xdp_sweeper,
			   xfrm_xdp_jiffies(READ_ONCE(idle_ms)) / 2 + 1);
}

/**
 * xfrm_xdp_flow_sweep_soon() - look for dead flows within a second
 *
 * At once where that was not done within the last second: ten thousand SAs that are
 * rekeyed must not keep a CPU busy with a million flows.
 *
 * Context: any.
 */
void xfrm_xdp_flow_sweep_soon(void)
{
	unsigned long since = jiffies - READ_ONCE(xfrm_xdp_last_sweep);

	mod_delayed_work(system_unbound_wq, &xfrm_xdp_sweeper, since < HZ ? HZ - since : 0);
}

/**
 * xfrm_xdp_flow_usage() - how many flows there are, and what memory they take
 * @usage: result
 *
 * Context: process.
 */
void xfrm_xdp_flow_usage(struct xfrm_xdp_usage *usage)
{
	xfrm_xdp_slots_usage(usage);
	usage->flow_bytes = ALIGN(sizeof(struct xfrm_xdp_flow), cache_line_size());
	usage->bundles = READ_ONCE(xfrm_xdp_bundles);
	usage->bundle_bytes = ALIGN(sizeof(struct xfrm_dst), cache_line_size());
	usage->hash_bytes = xfrm_xdp_table_bytes();
}

int __init xfrm_xdp_flow_init(void)
{
	int err;

	xfrm_xdp_flow_cache = KMEM_CACHE(xfrm_xdp_flow, SLAB_HWCACHE_ALIGN);
	if (!xfrm_xdp_flow_cache)
		return -ENOMEM;
	err = xfrm_xdp_table_init();
	if (err) {
		kmem_cache_destroy(xfrm_xdp_flow_cache);
		return err;
	}
	xfrm_xdp_slots_init();
	xfrm_xdp_flow_sweep_soon();
	return 0;
}

/**
 * xfrm_xdp_flow_exit() - free the table
 *
 * Context: process, when the flows of all namespaces are purged and nobody can
 * learn any more.
 */
void xfrm_xdp_flow_exit(void)
{
	cancel_delayed_work_sync(&xfrm_xdp_sweeper);
	xfrm_xdp_table_exit();
	xfrm_xdp_slots_shrink();
	/* Waits for what kfree_rcu() has not freed yet. */
	kmem_cache_destroy(xfrm_xdp_flow_cache);
}
