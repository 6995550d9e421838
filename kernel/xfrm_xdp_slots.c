// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where flows are found by handle: slots, in two parts, so that no number of flows
 * can take the place of an SA. Flows push out the least recently used of them when
 * there are as many as may be; SAs, which only a key manager makes, push out nothing.
 *
 * Memory for slots is allocated a page at a time, when the slots before are used: one
 * allocation in 512 lessons, which allocate anyway, is simpler than a work item that has
 * to be ahead of them, and where it fails there is a flow to push out. So a high limit
 * costs nothing until it is needed.
 */

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/xarray.h>
#include "xfrm_xdp.h"

#define XFRM_XDP_NO_SLOT	U32_MAX

/* How many flows, and slots, are looked at for one to push out. */
#define XFRM_XDP_EVICT_FLOWS	16
#define XFRM_XDP_EVICT_SLOTS	64

/**
 * struct xfrm_xdp_part - the slots of flows, or those of SAs
 * @base: number of the first
 * @size: how many have memory
 * @used: how many have a flow
 * @free: number of the first without one, or XFRM_XDP_NO_SLOT
 */
struct xfrm_xdp_part {
	u32 base;
	u32 size;
	u32 used;
	u32 free;
};

struct xfrm_xdp_chunk __rcu *xfrm_xdp_chunks[XFRM_XDP_NR_CHUNKS];
static struct xfrm_xdp_part xfrm_xdp_flow_part = { .free = XFRM_XDP_NO_SLOT };
static struct xfrm_xdp_part xfrm_xdp_sa_part = {
	.base = XFRM_XDP_FLOWS_MAX,
	.free = XFRM_XDP_NO_SLOT,
};

static u64 xfrm_xdp_generation;
static u32 xfrm_xdp_hand;	/* where the search for a flow to push out goes on */

static unsigned int max_flows = 1048576;

static int max_flows_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, XFRM_XDP_FLOWS_MAX);
}

static const struct kernel_param_ops max_flows_ops = {
	.set = max_flows_set,
	.get = param_get_uint,
};
module_param_cb(max_flows, &max_flows_ops, &max_flows, 0644);
MODULE_PARM_DESC(max_flows, "how many flows may be known, up to 4194304; more push out the least recently used (default 1048576)");

/* Those that any host can make; SAs are the key manager's. */
static struct xfrm_xdp_part *xfrm_xdp_part_of(const struct xfrm_xdp_flow *flow)
{
	return flow->kind == XFRM_XDP_FLOW_FORWARD ||
	       flow->kind == XFRM_XDP_FLOW_DETOUR ?
	       &xfrm_xdp_flow_part : &xfrm_xdp_sa_part;
}

/* A page of slots more. */
static bool xfrm_xdp_part_grow(struct xfrm_xdp_part *part)
{
	u32 first = part->base + part->size, i = XFRM_XDP_CHUNK_SLOTS;
	struct xfrm_xdp_chunk *chunk;
	struct page *page;

	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!page)
		return false;
	chunk = page_address(page);
	while (i--) {
		RCU_INIT_POINTER(chunk->slot[i], xa_mk_value(part->free));
		part->free = first + i;
	}
	rcu_assign_pointer(xfrm_xdp_chunks[first / XFRM_XDP_CHUNK_SLOTS], chunk);
	WRITE_ONCE(part->size, part->size + XFRM_XDP_CHUNK_SLOTS);
	return true;
}

/**
 * xfrm_xdp_slots_victim() - the flow that a new one may push out
 *
 * Of the next few the one whose last packet is longest ago; the next search begins
 * behind it. So whoever is passed over has a whole round to be used again, and the
 * cost is the same for a thousand flows and for a million.
 *
 * Context: xfrm_xdp_slots_lock held.
 * Return: the flow, or NULL where none was near.
 */
struct xfrm_xdp_flow *xfrm_xdp_slots_victim(void)
{
	const struct xfrm_xdp_part *part = &xfrm_xdp_flow_part;
	struct xfrm_xdp_flow *flow, *victim = NULL;
	u32 i, nr, seen = 0, next, age, oldest = 0;

	lockdep_assert_held(&xfrm_xdp_slots_lock);
	nr = xfrm_xdp_hand < part->size ? xfrm_xdp_hand : 0;
	next = nr;
	for (i = 0; i < min(part->size, XFRM_XDP_EVICT_SLOTS) && seen < XFRM_XDP_EVICT_FLOWS; i++) {
		flow = xfrm_xdp_slot_flow(part->base + nr);
		nr = nr + 1 < part->size ? nr + 1 : 0;
		if (!flow)
			continue;
		seen++;
		age = xfrm_xdp_flow_idle(flow);
		if (victim && age <= oldest)
			continue;
		victim = flow;
		oldest = age;
		next = nr;
	}
	xfrm_xdp_hand = victim ? next : nr;
	return victim;
}

/**
 * xfrm_xdp_slots_room() - is there a slot for a flow, or may there be?
 * @flow: that is not in the table
 *
 * Context: xfrm_xdp_slots_lock held.
 * Return: 0; -ENOSPC where there are as many as may be; -ENOMEM.
 */
int xfrm_xdp_slots_room(const struct xfrm_xdp_flow *flow)
{
	struct xfrm_xdp_part *part = xfrm_xdp_part_of(flow);
	u32 limit = part == &xfrm_xdp_sa_part ? XFRM_XDP_SAS_MAX : READ_ONCE(max_flows);

	lockdep_assert_held(&xfrm_xdp_slots_lock);
	if (part->used >= limit)
		return -ENOSPC;
	return part->free != XFRM_XDP_NO_SLOT || xfrm_xdp_part_grow(part) ? 0 : -ENOMEM;
}

/**
 * xfrm_xdp_slots_pushes() - may a flow push out others?
 * @flow: that is not in the table
 *
 * Context: any.
 */
bool xfrm_xdp_slots_pushes(const struct xfrm_xdp_flow *flow)
{
	return xfrm_xdp_part_of(flow) == &xfrm_xdp_flow_part;
}

/**
 * xfrm_xdp_slots_handle() - give a flow the handle of the next free slot
 * @flow: for which xfrm_xdp_slots_room() said 0
 *
 * Context: xfrm_xdp_slots_lock held.
 */
void xfrm_xdp_slots_handle(struct xfrm_xdp_flow *flow)
{
	flow->handle = ++xfrm_xdp_generation << XFRM_XDP_SLOT_BITS |
		       xfrm_xdp_part_of(flow)->free;
}

/**
 * xfrm_xdp_slots_put() - make a flow found by its handle
 * @flow: complete, with the handle that it was just given
 *
 * Context: xfrm_xdp_slots_lock held.
 */
void xfrm_xdp_slots_put(struct xfrm_xdp_flow *flow)
{
	struct xfrm_xdp_part *part = xfrm_xdp_part_of(flow);
	void __rcu **slot = xfrm_xdp_slot(part->free);

	lockdep_assert_held(&xfrm_xdp_slots_lock);
	part->free = xa_to_value(rcu_access_pointer(*slot));
	part->used++;
	rcu_assign_pointer(*slot, flow);
}

/**
 * xfrm_xdp_slots_take() - take a flow out of its slot
 * @flow: that is in one
 *
 * Context: xfrm_xdp_slots_lock held.
 */
void xfrm_xdp_slots_take(const struct xfrm_xdp_flow *flow)
{
	struct xfrm_xdp_part *part = xfrm_xdp_part_of(flow);
	u32 nr = xfrm_xdp_handle_slot(flow->handle);

	lockdep_assert_held(&xfrm_xdp_slots_lock);
	rcu_assign_pointer(*xfrm_xdp_slot(nr), xa_mk_value(part->free));
	part->free = nr;
	part->used--;
}

static void xfrm_xdp_part_walk(const struct xfrm_xdp_part *part,
			       void (*visit)(struct xfrm_xdp_flow *flow, const void *arg),
			       const void *arg)
{
	u32 begin, i;

	for (begin = 0; begin < READ_ONCE(part->size); begin += XFRM_XDP_CHUNK_SLOTS) {
		rcu_read_lock();
		for (i = 0; i < XFRM_XDP_CHUNK_SLOTS; i++) {
			struct xfrm_xdp_flow *flow = xfrm_xdp_slot_flow(part->base + begin + i);

			if (flow)
				visit(flow, arg);
		}
		rcu_read_unlock();
		cond_resched();
	}
}

/**
 * xfrm_xdp_slots_walk() - visit all flows
 * @visit: called without a lock, under RCU
 * @arg: for @visit
 *
 * Those that come meanwhile may be missed. A million flows take long, so the CPU is
 * given to others on the way.
 *
 * Context: process.
 */
void xfrm_xdp_slots_walk(void (*visit)(struct xfrm_xdp_flow *flow, const void *arg),
			 const void *arg)
{
	xfrm_xdp_part_walk(&xfrm_xdp_flow_part, visit, arg);
	xfrm_xdp_part_walk(&xfrm_xdp_sa_part, visit, arg);
}

/* The pages of a part without flows, for put_pages_list() after a grace period. */
static void xfrm_xdp_part_empty(struct xfrm_xdp_part *part, struct list_head *pages)
{
	struct xfrm_xdp_chunk __rcu **chunks = &xfrm_xdp_chunks[part->base / XFRM_XDP_CHUNK_SLOTS];
	struct xfrm_xdp_chunk *chunk;
	u32 i;

	spin_lock_bh(&xfrm_xdp_slots_lock);
	for (i = 0; !part->used && i < part->size / XFRM_XDP_CHUNK_SLOTS; i++) {
		chunk = rcu_replace_pointer(chunks[i], NULL,
					    lockdep_is_held(&xfrm_xdp_slots_lock));
		list_add(&virt_to_page(chunk)->lru, pages);
	}
	if (!part->used) {
		part->free = XFRM_XDP_NO_SLOT;
		WRITE_ONCE(part->size, 0);
	}
	spin_unlock_bh(&xfrm_xdp_slots_lock);
}

/**
 * xfrm_xdp_slots_shrink() - give back the memory of slots where no flow is left
 *
 * Context: process, may sleep.
 */
void xfrm_xdp_slots_shrink(void)
{
	LIST_HEAD(pages);

	xfrm_xdp_part_empty(&xfrm_xdp_flow_part, &pages);
	xfrm_xdp_part_empty(&xfrm_xdp_sa_part, &pages);
	if (list_empty(&pages))
		return;
	synchronize_rcu();
	put_pages_list(&pages);
}

/**
 * xfrm_xdp_slots_usage() - how many there are
 * @usage: result: @flows, @sas, their limits, and @slot_bytes
 *
 * Context: any.
 */
void xfrm_xdp_slots_usage(struct xfrm_xdp_usage *usage)
{
	usage->flows = READ_ONCE(xfrm_xdp_flow_part.used);
	usage->sas = READ_ONCE(xfrm_xdp_sa_part.used);
	usage->max_flows = READ_ONCE(max_flows);
	usage->max_sas = XFRM_XDP_SAS_MAX;
	usage->slot_bytes = (READ_ONCE(xfrm_xdp_flow_part.size) +
			     READ_ONCE(xfrm_xdp_sa_part.size)) * sizeof(void *);
}

/* No handle of an earlier life of the module may match. */
void xfrm_xdp_slots_init(void)
{
	xfrm_xdp_generation = get_random_u32();
}
