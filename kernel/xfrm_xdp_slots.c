// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow handles: an index into one of two arrays of the namespace, and a generation. Flows
 * and SAs have an array each: flows, which any sender can make, evict the least recently
 * used of them when there are as many as may be; SAs, which only a key manager makes, evict
 * nothing.
 */

#include <linux/moduleparam.h>
#include "xfrm_xdp.h"

/* How many flows are compared to find one to evict. */
#define XFRM_XDP_EVICT_FLOWS	16

/* How many flows are visited before the CPU is given to others. */
#define XFRM_XDP_WALK_FLOWS	64

/* Of all namespaces: a handle of one never matches in another, nor after a reload. */
static atomic64_t xfrm_xdp_generation;

static unsigned int max_flows = 1048576;

static int max_flows_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint_minmax(val, kp, 1, XFRM_XDP_FLOWS_MAX);

	if (!err)
		xfrm_xdp_nets_sweep();
	return err;
}

static const struct kernel_param_ops max_flows_ops = {
	.set = max_flows_set,
	.get = param_get_uint,
};
module_param_cb(max_flows, &max_flows_ops, &max_flows, 0644);
MODULE_PARM_DESC(max_flows, "flows of a network namespace, up to 4194304; more evict the least recently used (default 1048576)");

static enum xfrm_xdp_part xfrm_xdp_part_of(const struct xfrm_xdp_flow *flow)
{
	return xfrm_xdp_flow_routed(flow) ? XFRM_XDP_PART_FLOWS : XFRM_XDP_PART_SAS;
}

static u32 xfrm_xdp_part_limit(enum xfrm_xdp_part part)
{
	return part == XFRM_XDP_PART_SAS ? XFRM_XDP_SAS_MAX : READ_ONCE(max_flows);
}

static unsigned long xfrm_xdp_flow_index(const struct xfrm_xdp_flow *flow)
{
	return flow->handle & (BIT(XFRM_XDP_INDEX_BITS) - 1);
}

/**
 * xfrm_xdp_slots_over() - tell whether a namespace has more flows than may be
 * @xn: of the namespace
 *
 * After the limit was lowered.
 *
 * Context: any.
 */
bool xfrm_xdp_slots_over(const struct xfrm_xdp_net *xn)
{
	return READ_ONCE(xn->used[XFRM_XDP_PART_FLOWS]) > READ_ONCE(max_flows);
}

/**
 * xfrm_xdp_slots_victim() - choose the flow that a new one may evict
 * @xn: of the namespace
 *
 * Of the next few the one whose last packet is longest ago; the next search begins
 * behind it. So a flow that is passed over has a whole round to be used again, and the
 * cost is the same for a thousand flows and for a million.
 *
 * Context: xn->lock held.
 * Return: the flow, or NULL where there is none.
 */
struct xfrm_xdp_flow *xfrm_xdp_slots_victim(struct xfrm_xdp_net *xn)
{
	struct xarray *flows = &xn->handles[XFRM_XDP_PART_FLOWS];
	struct xfrm_xdp_flow *flow, *victim = NULL;
	unsigned long index = xn->hand;
	u32 i, age, oldest = 0;

	lockdep_assert_held(&xn->lock);
	for (i = 0; i < XFRM_XDP_EVICT_FLOWS; i++) {
		flow = xa_find(flows, &index, ULONG_MAX, XA_PRESENT);
		if (!flow) {
			index = 0;
			flow = xa_find(flows, &index, ULONG_MAX, XA_PRESENT);
		}
		if (!flow)
			return NULL;
		index++;
		age = xfrm_xdp_flow_idle(flow);
		if (victim && age <= oldest)
			continue;
		victim = flow;
		oldest = age;
		xn->hand = index;
	}
	return victim;
}

/**
 * xfrm_xdp_slots_reserve() - give a flow a handle, by which it is not found yet
 * @xn: of the namespace
 * @flow: not in the table
 *
 * Context: xn->lock held.
 * Return: 0, then call xfrm_xdp_slots_put() or _take(); -ENOSPC where there are as many flows,
 * or SAs, as may be; -ENOMEM.
 */
int xfrm_xdp_slots_reserve(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	enum xfrm_xdp_part part = xfrm_xdp_part_of(flow);
	u32 limit = xfrm_xdp_part_limit(part), index;
	int err;

	lockdep_assert_held(&xn->lock);
	if (xn->used[part] >= limit)
		return -ENOSPC;
	err = xa_alloc(&xn->handles[part], &index, NULL, XA_LIMIT(0, limit - 1),
		       GFP_ATOMIC | __GFP_NOWARN);
	if (err)
		return err == -EBUSY ? -ENOSPC : err;
	xn->used[part]++;
	flow->handle = (u64)atomic64_inc_return(&xfrm_xdp_generation) << XFRM_XDP_SLOT_BITS |
		       (part == XFRM_XDP_PART_SAS ? XFRM_XDP_HANDLE_SA : 0) | index;
	return 0;
}

/**
 * xfrm_xdp_slots_put() - make a flow found by its handle
 * @xn: of the namespace
 * @flow: complete, after xfrm_xdp_slots_reserve()
 *
 * Context: xn->lock held.
 */
void xfrm_xdp_slots_put(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	lockdep_assert_held(&xn->lock);
	/* Reserved: takes no memory, and cannot fail. */
	xa_store(&xn->handles[xfrm_xdp_part_of(flow)], xfrm_xdp_flow_index(flow), flow, 0);
}

/**
 * xfrm_xdp_slots_take() - end a handle
 * @xn: of the namespace
 * @flow: whose handle it is, put or only reserved
 *
 * Context: xn->lock held.
 */
void xfrm_xdp_slots_take(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow)
{
	enum xfrm_xdp_part part = xfrm_xdp_part_of(flow);

	lockdep_assert_held(&xn->lock);
	xa_erase(&xn->handles[part], xfrm_xdp_flow_index(flow));
	xn->used[part]--;
}

/**
 * xfrm_xdp_slots_walk() - visit all flows and SAs of a namespace
 * @xn: of the namespace
 * @visit: called without a lock, under RCU
 *
 * Flows that are inserted meanwhile may be missed. A million flows take long, so the CPU is
 * given to others on the way.
 *
 * Context: process.
 */
void xfrm_xdp_slots_walk(struct xfrm_xdp_net *xn,
			 void (*visit)(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow))
{
	struct xfrm_xdp_flow *flow;
	unsigned int part, nr = 0;
	unsigned long index;

	for (part = 0; part < XFRM_XDP_NR_PARTS; part++) {
		rcu_read_lock();
		xa_for_each(&xn->handles[part], index, flow) {
			visit(xn, flow);
			if (++nr % XFRM_XDP_WALK_FLOWS)
				continue;
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
		rcu_read_unlock();
	}
}

/* Memory of the nodes that so many entries take at least. */
static u64 xfrm_xdp_part_bytes(u32 used)
{
	return (u64)DIV_ROUND_UP(used, XA_CHUNK_SIZE) * sizeof(struct xa_node);
}

/**
 * xfrm_xdp_slots_usage() - count flows and SAs of a namespace
 * @xn: of the namespace
 * @usage: result: @flows, @sas, their limits, and @slot_bytes
 *
 * Context: any.
 */
void xfrm_xdp_slots_usage(const struct xfrm_xdp_net *xn, struct xfrm_xdp_usage *usage)
{
	usage->flows = READ_ONCE(xn->used[XFRM_XDP_PART_FLOWS]);
	usage->sas = READ_ONCE(xn->used[XFRM_XDP_PART_SAS]);
	usage->max_flows = READ_ONCE(max_flows);
	usage->max_sas = XFRM_XDP_SAS_MAX;
	usage->slot_bytes = xfrm_xdp_part_bytes(usage->flows) + xfrm_xdp_part_bytes(usage->sas);
}

void xfrm_xdp_slots_init(struct xfrm_xdp_net *xn)
{
	unsigned int part;

	for (part = 0; part < XFRM_XDP_NR_PARTS; part++)
		xa_init_flags(&xn->handles[part], XA_FLAGS_ALLOC);
}

/* No flow is left, and nobody looks for one any more. */
void xfrm_xdp_slots_free(struct xfrm_xdp_net *xn)
{
	unsigned int part;

	for (part = 0; part < XFRM_XDP_NR_PARTS; part++)
		xa_destroy(&xn->handles[part]);
}

/* No handle of an earlier life of the module may match. */
void __init xfrm_xdp_slots_start(void)
{
	BUILD_BUG_ON(max(XFRM_XDP_FLOWS_MAX, XFRM_XDP_SAS_MAX) > BIT(XFRM_XDP_INDEX_BITS));
	atomic64_set(&xfrm_xdp_generation, get_random_u32());
}
