// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flow table: what the handles in the BPF flow map stand for.
 *
 * A flow is constant once inserted; a change replaces it under a new handle.
 * Lookups run under RCU and take no reference: everything that a flow refers
 * to (dst, SA, neighbour, device) is itself freed only after a grace period, so
 * its references are dropped as soon as it is unlinked. A cached flow therefore
 * never blocks the removal of a device, an SA or a namespace.
 */

#include <linux/module.h>
#include <linux/rhashtable.h>
#include <linux/vmalloc.h>
#include <net/neighbour.h>
#include "xfrm_xdp.h"

/* A handle: index of the slot in the low bits, generation above. */
#define XFRM_XDP_SLOT_BITS	24

static unsigned int max_flows = 65536;
module_param(max_flows, uint, 0444);
MODULE_PARM_DESC(max_flows, "how many flows and inbound SAs may be learned (default 65536)");

static unsigned int revalidate_ms = 1000;
module_param(revalidate_ms, uint, 0644);
MODULE_PARM_DESC(revalidate_ms, "within how many ms a flow is renewed by the stack, or stops (default 1000)");

static unsigned int idle_ms = 30000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "after how many idle ms a flow is forgotten (default 30000)");

/**
 * struct xfrm_xdp_slots - all flows by handle
 * @lock: of everything here; taken with BH off
 * @flow: by slot
 * @free: stack of free slots
 * @nr_free: its height
 * @gen: generation of the last handle
 * @by_id: all flows by &xfrm_xdp_flow.id
 */
static struct xfrm_xdp_slots {
	spinlock_t lock; /* of all below */
	struct xfrm_xdp_flow __rcu **flow;
	u32 *free;
	u32 nr_free;
	u64 gen;
	struct rhashtable by_id;
} slots;

static const struct rhashtable_params xfrm_xdp_flow_params = {
	.head_offset		= offsetof(struct xfrm_xdp_flow, node),
	.key_offset		= offsetof(struct xfrm_xdp_flow, id),
	.key_len		= sizeof(struct xfrm_xdp_flow_id),
	.automatic_shrinking	= true,
};

/**
 * xfrm_xdp_flow_get() - find a flow by its handle
 * @handle: from the flow map, or from nowhere
 *
 * Context: RCU read side.
 * Return: the flow, or NULL where the handle is dead or never was.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_get(u64 handle)
{
	u32 slot = handle & (BIT(XFRM_XDP_SLOT_BITS) - 1);
	struct xfrm_xdp_flow *flow;

	if (unlikely(slot >= max_flows))
		return NULL;
	flow = rcu_dereference(slots.flow[slot]);
	return flow && flow->handle == handle ? flow : NULL;
}

/**
 * xfrm_xdp_flow_find() - find a flow by what it was learned from
 * @id: key and namespace, every byte of them
 *
 * Context: RCU read side.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_find(const struct xfrm_xdp_flow_id *id)
{
	return rhashtable_lookup_fast(&slots.by_id, id, xfrm_xdp_flow_params);
}

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
	struct xfrm_xdp_flow *flow = kzalloc(sizeof(*flow), GFP_ATOMIC);

	if (!flow)
		return NULL;
	flow->id = *id;
	flow->renewed = jiffies;
	flow->used = jiffies;
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

static void xfrm_xdp_flow_unlink(struct xfrm_xdp_flow *flow)
{
	u32 slot = flow->handle & (BIT(XFRM_XDP_SLOT_BITS) - 1);

	lockdep_assert_held(&slots.lock);
	rhashtable_remove_fast(&slots.by_id, &flow->node, xfrm_xdp_flow_params);
	RCU_INIT_POINTER(slots.flow[slot], NULL);
	slots.free[slots.nr_free++] = slot;
	if (flow->id.kind < XFRM_XDP_FLOW_LEAVING)
		xfrm_xdp_count(flow->id.net, XFRM_XDP_R_RECLAIMED);
	xfrm_xdp_flow_free(flow);
}

/* Is it still the one in its slot? Only then may it be unlinked. */
static bool xfrm_xdp_flow_linked(const struct xfrm_xdp_flow *flow)
{
	u32 slot = flow->handle & (BIT(XFRM_XDP_SLOT_BITS) - 1);

	return rcu_access_pointer(slots.flow[slot]) == flow;
}

/* Those that any host can make; SAs are the key manager's. */
static bool xfrm_xdp_flow_is_inner(const struct xfrm_xdp_flow *flow)
{
	return flow->id.kind == XFRM_XDP_FLOW_FORWARD ||
	       flow->id.kind == XFRM_XDP_FLOW_DETOUR;
}

/**
 * xfrm_xdp_flow_insert() - put a flow into the table and give it a handle
 * @flow: complete, from xfrm_xdp_flow_alloc()
 * @old: a flow of the same id that it replaces, or NULL
 *
 * Context: any; RCU read side where @old is given.
 * Return: 0; -ENOSPC where the table is full, -EEXIST where another CPU was
 * faster; @flow is the caller's still.
 */
int xfrm_xdp_flow_insert(struct xfrm_xdp_flow *flow, struct xfrm_xdp_flow *old)
{
	int err = -ENOSPC;
	u32 slot;

	spin_lock_bh(&slots.lock);
	if (old && xfrm_xdp_flow_linked(old))
		xfrm_xdp_flow_unlink(old);
	/* The last slots are kept for SAs. */
	if (slots.nr_free <= (xfrm_xdp_flow_is_inner(flow) ? max_flows / 16 : 0))
		goto unlock;
	/* It may be found as soon as it is in the table: complete before that. */
	slot = slots.free[slots.nr_free - 1];
	flow->handle = ++slots.gen << XFRM_XDP_SLOT_BITS | slot;
	err = rhashtable_lookup_insert_fast(&slots.by_id, &flow->node,
					    xfrm_xdp_flow_params);
	if (err)
		goto unlock;
	slots.nr_free--;
	rcu_assign_pointer(slots.flow[slot], flow);
unlock:
	spin_unlock_bh(&slots.lock);
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
	spin_lock_bh(&slots.lock);
	if (xfrm_xdp_flow_linked(flow))
		xfrm_xdp_flow_unlink(flow);
	spin_unlock_bh(&slots.lock);
}

/**
 * xfrm_xdp_flow_renew() - the stack accepted another packet of the flow
 * @flow: the flow
 *
 * Context: RCU read side.
 */
void xfrm_xdp_flow_renew(struct xfrm_xdp_flow *flow)
{
	WRITE_ONCE(flow->renewed, jiffies);
	clear_bit(XFRM_XDP_FLOW_F_REVALIDATING, &flow->flags);
	xfrm_xdp_count(flow->id.net, XFRM_XDP_R_RENEWED);
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
	set_bit(XFRM_XDP_FLOW_F_LEFT, &flow->flags);
}

static unsigned long xfrm_xdp_flow_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(revalidate_ms));
}

/**
 * xfrm_xdp_flow_left_lately() - has the stack sent one within the interval?
 * @flow: of kind XFRM_XDP_FLOW_LEAVING
 *
 * Context: RCU read side.
 */
bool xfrm_xdp_flow_left_lately(const struct xfrm_xdp_flow *flow)
{
	return test_bit(XFRM_XDP_FLOW_F_LEFT, &flow->flags) &&
	       jiffies - READ_ONCE(flow->renewed) <= xfrm_xdp_flow_interval();
}

/**
 * xfrm_xdp_flow_fresh() - may a packet take the fast path, by the clock?
 * @flow: the flow
 *
 * Half way through the interval one packet is sent through the stack to renew
 * the flow; the others go on. At its end they stop.
 *
 * Context: RCU read side.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_flow_fresh(struct xfrm_xdp_flow *flow)
{
	unsigned long interval = xfrm_xdp_flow_interval();
	unsigned long now = jiffies;
	unsigned long age = now - READ_ONCE(flow->renewed);

	if (READ_ONCE(flow->used) != now)
		WRITE_ONCE(flow->used, now);
	if (unlikely(age > interval))
		return XFRM_XDP_R_PUNT_STALE;
	if (unlikely(age > interval / 2) &&
	    !test_bit(XFRM_XDP_FLOW_F_REVALIDATING, &flow->flags) &&
	    !test_and_set_bit(XFRM_XDP_FLOW_F_REVALIDATING, &flow->flags))
		return XFRM_XDP_R_PUNT_REVALIDATE;
	return XFRM_XDP_OK;
}

/* Unlink all flows for which @match says so. */
static void xfrm_xdp_flow_purge(bool (*match)(const struct xfrm_xdp_flow *flow,
					      const void *arg), const void *arg)
{
	struct xfrm_xdp_flow *flow;
	u32 slot;

	for (slot = 0; slot < max_flows; slot++) {
		if (!rcu_access_pointer(slots.flow[slot]))
			continue;
		spin_lock_bh(&slots.lock);
		flow = rcu_dereference_protected(slots.flow[slot],
						 lockdep_is_held(&slots.lock));
		if (flow && match(flow, arg))
			xfrm_xdp_flow_unlink(flow);
		spin_unlock_bh(&slots.lock);
	}
}

static bool xfrm_xdp_flow_uses_dev(const struct xfrm_xdp_flow *flow, const void *arg)
{
	const struct net_device *dev = arg;

	return flow->out == dev || flow->in == dev ||
	       (flow->out && xfrm_xdp_vlan_real(flow->out) == dev) ||
	       (flow->id.key.ifindex == dev->ifindex && flow->id.net == dev_net(dev));
}

/**
 * xfrm_xdp_flow_purge_dev() - forget what comes in or leaves by a device
 * @dev: device that goes down
 *
 * Context: process.
 */
void xfrm_xdp_flow_purge_dev(const struct net_device *dev)
{
	xfrm_xdp_flow_purge(xfrm_xdp_flow_uses_dev, dev);
}

static bool xfrm_xdp_flow_in_net(const struct xfrm_xdp_flow *flow, const void *arg)
{
	return flow->id.net == arg;
}

/**
 * xfrm_xdp_flow_purge_net() - forget the flows of a network namespace
 * @net: namespace that is being removed
 *
 * Context: process.
 */
void xfrm_xdp_flow_purge_net(const struct net *net)
{
	xfrm_xdp_flow_purge(xfrm_xdp_flow_in_net, net);
}

/* Idle, or of an SA that died: its keys must not outlive it by our reference. */
static bool xfrm_xdp_flow_dead(const struct xfrm_xdp_flow *flow, const void *arg)
{
	unsigned long idle = msecs_to_jiffies(READ_ONCE(idle_ms));

	return (flow->x && READ_ONCE(flow->x->km.state) != XFRM_STATE_VALID) ||
	       time_after(jiffies, READ_ONCE(flow->used) + idle);
}

static void xfrm_xdp_flow_sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(xfrm_xdp_sweeper, xfrm_xdp_flow_sweep);

static void xfrm_xdp_flow_sweep(struct work_struct *work)
{
	xfrm_xdp_flow_purge(xfrm_xdp_flow_dead, NULL);
	schedule_delayed_work(&xfrm_xdp_sweeper,
			      msecs_to_jiffies(READ_ONCE(idle_ms)) / 2 + 1);
}

/**
 * xfrm_xdp_flow_sweep_soon() - look for dead flows now
 *
 * Context: any.
 */
void xfrm_xdp_flow_sweep_soon(void)
{
	mod_delayed_work(system_wq, &xfrm_xdp_sweeper, 0);
}

int xfrm_xdp_flow_init(void)
{
	int err;
	u32 i;

	if (!max_flows || max_flows > BIT(XFRM_XDP_SLOT_BITS))
		return -EINVAL;
	spin_lock_init(&slots.lock);
	slots.flow = kvcalloc(max_flows, sizeof(*slots.flow), GFP_KERNEL);
	slots.free = kvcalloc(max_flows, sizeof(*slots.free), GFP_KERNEL);
	err = -ENOMEM;
	if (!slots.flow || !slots.free)
		goto free;
	err = rhashtable_init(&slots.by_id, &xfrm_xdp_flow_params);
	if (err)
		goto free;
	for (i = 0; i < max_flows; i++)
		slots.free[i] = max_flows - 1 - i;
	slots.nr_free = max_flows;
	/* No handle of an earlier life of the module may match. */
	slots.gen = get_random_u32();
	xfrm_xdp_flow_sweep_soon();
	return 0;
free:
	kvfree(slots.free);
	kvfree(slots.flow);
	return err;
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
	rhashtable_destroy(&slots.by_id);
	kvfree(slots.free);
	kvfree(slots.flow);
}
