// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows: found by their key (see xfrm_xdp_table.c), or by a handle (xfrm_xdp_slots.c), in
 * their namespace.
 *
 * A flow is constant once inserted; a change replaces it under a new handle. Lookups run under
 * RCU and take no reference. So a flow keeps its references (route or bundle, SA) for a
 * grace period after it was unlinked: dst_release_immediate() in rt_fibinfo_free() frees a
 * route at once where it drops the last one. Devices are not referenced, neighbours neither:
 * see &struct xfrm_xdp_flow, xfrm_xdp_neigh_copy().
 */

#include <linux/module.h>
#include <linux/slab.h>
#include "xfrm_xdp.h"

static unsigned int revalidate_ms = 1000;
u32 xfrm_xdp_interval __read_mostly = HZ;

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

static int idle_ms_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (!err)
		xfrm_xdp_nets_sweep();
	return err;
}

static const struct kernel_param_ops idle_ms_ops = {
	.set = idle_ms_set,
	.get = param_get_uint,
};
module_param_cb(idle_ms, &idle_ms_ops, &idle_ms, 0644);
MODULE_PARM_DESC(idle_ms, "after how many idle ms a flow is forgotten (default 30000)");

/**
 * xfrm_xdp_idle_time() - time after which an unused flow is forgotten
 *
 * Context: any.
 * Return: jiffies.
 */
u32 xfrm_xdp_idle_time(void)
{
	return xfrm_xdp_jiffies(READ_ONCE(idle_ms));
}

static struct kmem_cache *xfrm_xdp_flow_cache;

/* Namespaces that there ever were: gives each a range of &xfrm_xdp_net.unlinked. */
static atomic64_t xfrm_xdp_nets;
#define XFRM_XDP_UNLINKED_BITS	40

static bool xfrm_xdp_flows_used(const struct xfrm_xdp_net *xn)
{
	return READ_ONCE(xn->used[XFRM_XDP_PART_FLOWS]) || READ_ONCE(xn->used[XFRM_XDP_PART_SAS]);
}

/* Unless it is to run earlier anyway. */
static void xfrm_xdp_flow_sweep_later(struct xfrm_xdp_net *xn)
{
	queue_delayed_work(system_unbound_wq, &xn->sweeper,
			   xfrm_xdp_idle_time() / 2 + 1);
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
	struct xfrm_xdp_flow *flow = kmem_cache_zalloc(xfrm_xdp_flow_cache,
						       GFP_ATOMIC | __GFP_NOWARN);

	BUILD_BUG_ON(sizeof(*flow) > 192);
	if (!flow)
		return NULL;
	flow->key = id->key;
	flow->kind = id->kind;
	flow->handed = id->kind == XFRM_XDP_FLOW_SA;
	flow->renewed = jiffies;
	/* Not in a jiffy that may be some CPU's: see xfrm_xdp_forward_tick(). */
	flow->used = jiffies - HZ;
	if (in && is_vlan_dev(in))
		flow->in = (struct net_device *)in;
	return flow;
}

static void xfrm_xdp_flow_free_rcu(struct rcu_head *rcu)
{
	struct xfrm_xdp_flow *flow = container_of(rcu, struct xfrm_xdp_flow, rcu);

	if (xfrm_xdp_flow_routed(flow))
		dst_release(flow->dst);
	else if (flow->x)
		xfrm_state_put(flow->x);
	kmem_cache_free(xfrm_xdp_flow_cache, flow);
}

/**
 * xfrm_xdp_flow_free() - drop a flow's references and the flow after a grace period
 * @flow: not in the table, or not any more
 *
 * Context: any.
 */
void xfrm_xdp_flow_free(struct xfrm_xdp_flow *flow)
{
	/* Keys and routes must not wait for an idle CPU. */
	call_rcu_hurry(&flow->rcu, xfrm_xdp_flow_free_rcu);
}

static bool xfrm_xdp_flow_has_bundle(const struct xfrm_xdp_flow *flow)
{
	return flow->kind == XFRM_XDP_FLOW_FORWARD && flow->dst->xfrm;
}

/**
 * xfrm_xdp_flow_unlink() - take a flow out of the table, and free it
 * @xn: of its namespace
 * @flow: in it
 *
 * Context: xn->lock held.
 */
void xfrm_xdp_flow_unlink(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	lockdep_assert_held(&xn->lock);
	xfrm_xdp_table_remove(xn, flow);
	xfrm_xdp_slots_take(xn, flow);
	xfrm_xdp_port_unlink(flow);
	/* A reader of the new count finds it neither in the table nor by its handle. */
	smp_store_release(&xn->unlinked, xn->unlinked + 1);
	xn->bundles -= xfrm_xdp_flow_has_bundle(flow);
	if (flow->kind < XFRM_XDP_FLOW_LEAVING)
		xfrm_xdp_net_count(xn, XFRM_XDP_R_RECLAIMED);
	xfrm_xdp_flow_free(flow);
}

/* Only the flow that its handle finds is linked. */
static bool xfrm_xdp_flow_linked(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow)
{
	return xfrm_xdp_flow_get(xn, flow->handle) == flow;
}

static void xfrm_xdp_flow_evict(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *victim)
{
	if (victim->kind < XFRM_XDP_FLOW_LEAVING)
		xfrm_xdp_net_count(xn, XFRM_XDP_R_EVICTED);
	xfrm_xdp_flow_unlink(xn, victim);
}

/* A handle for a flow; flows that are not SAs evict another for it. */
static int xfrm_xdp_flow_reserve(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	int err = xfrm_xdp_slots_reserve(xn, flow);
	struct xfrm_xdp_flow *victim;

	if (likely(!err) || !xfrm_xdp_flow_routed(flow))
		return err;
	victim = xfrm_xdp_slots_victim(xn);
	if (!victim)
		return err;
	xfrm_xdp_flow_evict(xn, victim);
	return xfrm_xdp_slots_reserve(xn, flow);
}

/**
 * xfrm_xdp_flow_insert() - put a flow into the table and give it a handle
 * @xn: of its namespace
 * @flow: complete, from xfrm_xdp_flow_alloc()
 * @old: a flow of the same id that it replaces, or NULL
 *
 * Context: any; RCU read side.
 * Return: 0; -ENOSPC where there are too many SAs; -EEXIST where another CPU was
 * faster; -ENODEV where a device of it is on its way out; -ENOMEM or -EBUSY where the table
 * cannot grow just now: the flow's next packet teaches it again. @flow is the caller's still.
 */
int xfrm_xdp_flow_insert(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow,
			 struct xfrm_xdp_flow *old)
{
	struct xfrm_state *x = xfrm_xdp_flow_sa(flow);
	int err;

	spin_lock_bh(&xn->lock);
	if (old && xfrm_xdp_flow_linked(xn, old))
		xfrm_xdp_flow_unlink(xn, old);
	err = xfrm_xdp_flow_reserve(xn, flow);
	if (err)
		goto unlock;
	err = xfrm_xdp_port_link(xn, flow);
	if (err)
		goto take;
	/* It may be found as soon as it is in the table: complete before that. */
	err = xfrm_xdp_table_insert(xn, flow);
	if (err)
		goto unlink;
	xfrm_xdp_slots_put(xn, flow);
	xn->bundles += xfrm_xdp_flow_has_bundle(flow);
	xfrm_xdp_flow_sweep_later(xn);
	/* An SA that died meanwhile may have been looked for before the flow was here. */
	smp_mb();
	if (unlikely(x && READ_ONCE(x->km.state) != XFRM_STATE_VALID))
		xfrm_xdp_flow_sweep_soon(xn);
	goto unlock;
unlink:
	xfrm_xdp_port_unlink(flow);
take:
	xfrm_xdp_slots_take(xn, flow);
unlock:
	spin_unlock_bh(&xn->lock);
	return err;
}

/**
 * xfrm_xdp_flow_remove() - forget a flow
 * @xn: of its namespace
 * @flow: found under the same RCU read side
 *
 * Context: any; RCU read side.
 */
void xfrm_xdp_flow_remove(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	spin_lock_bh(&xn->lock);
	if (xfrm_xdp_flow_linked(xn, flow))
		xfrm_xdp_flow_unlink(xn, flow);
	spin_unlock_bh(&xn->lock);
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
 * @xn: of its namespace
 * @flow: the flow
 * @when: jiffies of that, the low half
 *
 * Context: RCU read side.
 */
void xfrm_xdp_flow_renew(const struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow, u32 when)
{
	WRITE_ONCE(flow->renewed, when);
	WRITE_ONCE(flow->revalidating, 0);
	xfrm_xdp_net_count(xn, XFRM_XDP_R_RENEWED);
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

/**
 * xfrm_xdp_flow_purge() - forget all flows of a network namespace
 * @xn: of the namespace
 *
 * Context: process.
 */
void xfrm_xdp_flow_purge(struct xfrm_xdp_net *xn)
{
	xfrm_xdp_slots_walk(xn, xfrm_xdp_flow_remove);
}

/* An SA's keys must not outlive it by our reference. */
static bool xfrm_xdp_flow_sa_died(const struct xfrm_xdp_flow *flow)
{
	const struct xfrm_state *x = xfrm_xdp_flow_sa(flow);

	return x && READ_ONCE(x->km.state) != XFRM_STATE_VALID;
}

/* Whether it is there, with the SAs that its packets are decrypted and encrypted by. */
static bool xfrm_xdp_flow_lives(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow)
{
	const struct xfrm_xdp_flow *sa;

	if (!flow || xfrm_xdp_flow_sa_died(flow))
		return false;
	if (!flow->key.sa)
		return true;
	sa = xfrm_xdp_flow_get(xn, flow->key.sa);
	return sa && !xfrm_xdp_flow_sa_died(sa);
}

/**
 * xfrm_xdp_flow_counts() - what the fast path has finished of a flow
 * @xn: of the namespace that may know
 * @handle: of the flow, of a kind that the flow map has
 * @packets: result: how many
 * @bytes: result: of how many bytes, as they came in
 *
 * Context: any.
 * Return: false, and nothing, where there is no such flow or an SA of it died.
 */
bool xfrm_xdp_flow_counts(struct xfrm_xdp_net *xn, u64 handle, u64 *packets, u64 *bytes)
{
	const struct xfrm_xdp_flow *flow;
	bool lives;

	rcu_read_lock();
	flow = xfrm_xdp_flow_get(xn, handle);
	lives = xfrm_xdp_flow_lives(xn, flow) && flow->kind < XFRM_XDP_FLOW_LEAVING;
	*packets = lives ? READ_ONCE(flow->packets) : 0;
	*bytes = lives ? READ_ONCE(flow->bytes) : 0;
	rcu_read_unlock();
	return lives;
}

static void xfrm_xdp_flow_sweep_one(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	if (xfrm_xdp_flow_sa_died(flow) ||
	    xfrm_xdp_flow_idle(flow) > xfrm_xdp_idle_time())
		xfrm_xdp_flow_remove(xn, flow);
}

/* After the limit was lowered. */
static void xfrm_xdp_flow_trim(struct xfrm_xdp_net *xn)
{
	struct xfrm_xdp_flow *victim;

	while (xfrm_xdp_slots_over(xn)) {
		spin_lock_bh(&xn->lock);
		victim = xfrm_xdp_slots_victim(xn);
		if (victim)
			xfrm_xdp_flow_evict(xn, victim);
		spin_unlock_bh(&xn->lock);
		cond_resched();
	}
}

static void xfrm_xdp_flow_sweep(struct work_struct *work)
{
	struct xfrm_xdp_net *xn = container_of(to_delayed_work(work), struct xfrm_xdp_net,
					       sweeper);

	WRITE_ONCE(xn->last_sweep, jiffies);
	xfrm_xdp_slots_walk(xn, xfrm_xdp_flow_sweep_one);
	xfrm_xdp_flow_trim(xn);
	if (xfrm_xdp_flows_used(xn))
		xfrm_xdp_flow_sweep_later(xn);
}

/**
 * xfrm_xdp_flow_sweep_soon() - look for dead flows within a second
 * @xn: of the namespace
 *
 * At once where that was not done within the last second: ten thousand SAs that are
 * rekeyed must not keep a CPU busy with a million flows.
 *
 * Context: any.
 */
void xfrm_xdp_flow_sweep_soon(struct xfrm_xdp_net *xn)
{
	unsigned long since = jiffies - READ_ONCE(xn->last_sweep);

	if (xfrm_xdp_flows_used(xn))
		mod_delayed_work(system_unbound_wq, &xn->sweeper, since < HZ ? HZ - since : 0);
}

/* Parameters may be written before there is any namespace and after; under kernel_param_lock(). */
static bool xfrm_xdp_running;

/**
 * xfrm_xdp_flow_running() - let changes of parameters take effect at once, or no longer
 * @running: all namespaces have been initialised, and none has been freed
 *
 * Context: process.
 */
void xfrm_xdp_flow_running(bool running)
{
	kernel_param_lock(THIS_MODULE);
	xfrm_xdp_running = running;
	kernel_param_unlock(THIS_MODULE);
}

/**
 * xfrm_xdp_nets_sweep() - look for dead flows in all namespaces
 *
 * Where a limit was changed, which the sweeper follows.
 *
 * Context: process, kernel_param_lock() held.
 */
void xfrm_xdp_nets_sweep(void)
{
	struct xfrm_xdp_net *xn;
	struct net *net;

	if (!xfrm_xdp_running)
		return;
	rcu_read_lock();
	for_each_net_rcu(net) {
		xn = xfrm_xdp_net(net);
		if (xfrm_xdp_flows_used(xn))
			mod_delayed_work(system_unbound_wq, &xn->sweeper, 0);
	}
	rcu_read_unlock();
}

/**
 * xfrm_xdp_flow_usage() - how many flows a namespace has, and what memory they take
 * @xn: of the namespace
 * @usage: result
 *
 * Context: process.
 */
void xfrm_xdp_flow_usage(struct xfrm_xdp_net *xn, struct xfrm_xdp_usage *usage)
{
	xfrm_xdp_slots_usage(xn, usage);
	usage->flow_bytes = ALIGN(sizeof(struct xfrm_xdp_flow), cache_line_size());
	usage->bundles = READ_ONCE(xn->bundles);
	usage->bundle_bytes = ALIGN(sizeof(struct xfrm_dst), cache_line_size());
	usage->hash_bytes = xfrm_xdp_table_bytes(xn);
}

/**
 * xfrm_xdp_flows_init() - begin the flows of a namespace
 * @xn: of the namespace, zeroed but for &xfrm_xdp_net.net
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int xfrm_xdp_flows_init(struct xfrm_xdp_net *xn)
{
	spin_lock_init(&xn->lock);
	xn->unlinked = (u64)atomic64_inc_return(&xfrm_xdp_nets) << XFRM_XDP_UNLINKED_BITS;
	INIT_DELAYED_WORK(&xn->sweeper, xfrm_xdp_flow_sweep);
	xn->last_sweep = jiffies - HZ;
	xfrm_xdp_slots_init(xn);
	xa_init(&xn->ports);
	return xfrm_xdp_table_init(xn);
}

/**
 * xfrm_xdp_flows_free() - end the flows of a namespace
 * @xn: of the namespace, in which nothing is learned any more
 *
 * Context: process.
 */
void xfrm_xdp_flows_free(struct xfrm_xdp_net *xn)
{
	xfrm_xdp_flow_purge(xn);
	/* An SA that dies may still want it. */
	disable_delayed_work_sync(&xn->sweeper);
	xfrm_xdp_ports_free(xn);
	xfrm_xdp_slots_free(xn);
	xfrm_xdp_table_free(xn);
}

int __init xfrm_xdp_flow_init(void)
{
	xfrm_xdp_table_keys();
	xfrm_xdp_slots_start();
	xfrm_xdp_flow_cache = KMEM_CACHE(xfrm_xdp_flow, SLAB_HWCACHE_ALIGN);
	return xfrm_xdp_flow_cache ? 0 : -ENOMEM;
}

/**
 * xfrm_xdp_flow_exit() - wait for flows that are being freed
 *
 * Context: process, when the flows of all namespaces are gone and nobody can learn any more.
 */
void xfrm_xdp_flow_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(xfrm_xdp_flow_cache);
}
