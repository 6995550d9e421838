// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames: memory for one ESP operation that may outlive the kfunc.
 *
 * A transform that may complete later must not work on a buffer that the
 * driver recycles. So each CPU keeps a few frames, each with a page, a request
 * and room for its context. A request that completes at once leaves its frame
 * where it is; one that is still in flight takes it away (xfrm_xdp_frame_taken()),
 * and a work item replaces it.
 *
 * A completion uses the namespace of its SA, which neither the SA nor the device keeps: a
 * physical device moves to the initial namespace, and does not delay the end of its own.
 * So a namespace waits for its requests before its devices go.
 */

#include <linux/slab.h>
#include <linux/wait.h>
#include "xfrm_xdp.h"

DEFINE_PER_CPU(struct xfrm_xdp_pool, xfrm_xdp_pools);

/* Woken when a frame that was taken is finished. */
static DECLARE_WAIT_QUEUE_HEAD(xfrm_xdp_idle);

/*
 * The first request of a namespace that may complete later, or one that comes when the
 * namespace is on its way out. Namespaces without such requests end without a grace period.
 */
static bool xfrm_xdp_frame_admit(struct xfrm_xdp_net *xn)
{
	return cmpxchg(&xn->requests, XFRM_XDP_REQUESTS_NONE, XFRM_XDP_REQUESTS_SOME) !=
	       XFRM_XDP_REQUESTS_CLOSED;
}

static void xfrm_xdp_frame_free(struct xfrm_xdp_frame *f)
{
	if (!f)
		return;
	free_page((unsigned long)f->page);
	kfree_sensitive(f);
}

static struct xfrm_xdp_frame *xfrm_xdp_frame_alloc(int node)
{
	struct xfrm_xdp_frame *f;
	struct page *page;

	f = kzalloc_node(sizeof(*f) + XFRM_XDP_REQ_SPACE, GFP_KERNEL, node);
	if (!f)
		return NULL;
	page = alloc_pages_node(node, GFP_KERNEL, 0);
	if (!page) {
		kfree(f);
		return NULL;
	}
	f->page = page_address(page);
	sg_init_table(f->sg, ARRAY_SIZE(f->sg));
	return f;
}

/*
 * Process context, bound to the pool's CPU by schedule_work_on(), unless that went
 * offline meanwhile. Frames are made with BH on and handed over with BH off.
 */
static void xfrm_xdp_pool_refill(struct work_struct *work)
{
	struct xfrm_xdp_pool *pool = container_of(work, struct xfrm_xdp_pool, refill);
	struct xfrm_xdp_frame *f;

	while (READ_ONCE(pool->nr) < XFRM_XDP_POOL_SIZE) {
		f = xfrm_xdp_frame_alloc(numa_mem_id());
		if (!f)
			return;
		local_bh_disable();
		if (pool == this_cpu_ptr(&xfrm_xdp_pools) && pool->nr < XFRM_XDP_POOL_SIZE) {
			pool->frame[pool->nr++] = f;
			f = NULL;
		}
		local_bh_enable();
		if (f) {
			xfrm_xdp_frame_free(f);
			return;
		}
	}
}

/**
 * xfrm_xdp_frame_none() - all frames of this CPU are in flight
 * @pool: of this CPU
 *
 * What was taken is made up for; this is for memory that was short then.
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_frame_none(struct xfrm_xdp_pool *pool)
{
	schedule_work_on(smp_processor_id(), &pool->refill);
}

/**
 * xfrm_xdp_frame_hold() - make a frame ready to be taken by the crypto layer
 * @f: what xfrm_xdp_frame_get() returned, with @x, @dev and @iface set
 *
 * Before the request is submitted, for it may complete on another CPU before
 * the submitter sees -EINPROGRESS. Undone by xfrm_xdp_frame_release() where the
 * request completed at once.
 *
 * Context: softirq, or BH off; RCU read side, up to xfrm_xdp_frame_taken() or _release().
 * Return: false where the SA or its namespace is on its way out.
 */
bool xfrm_xdp_frame_hold(struct xfrm_xdp_frame *f)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net_rcu(xs_net(f->x));

	if (unlikely(READ_ONCE(xn->requests) != XFRM_XDP_REQUESTS_SOME) &&
	    !xfrm_xdp_frame_admit(xn))
		return false;
	if (!refcount_inc_not_zero(&f->x->refcnt))
		return false;
	dev_hold(f->dev);
	dev_hold(f->iface);
	return true;
}

/**
 * xfrm_xdp_frame_release() - drop what xfrm_xdp_frame_hold() took
 * @f: the frame
 *
 * Context: any.
 */
void xfrm_xdp_frame_release(struct xfrm_xdp_frame *f)
{
	dev_put(f->iface);
	dev_put(f->dev);
	xfrm_state_put(f->x);
}

/**
 * xfrm_xdp_frame_taken() - the request is in flight: the frame left the pool
 * @x: its SA
 *
 * The frame itself must not be touched any more.
 *
 * Context: softirq, or BH off; RCU read side, as since xfrm_xdp_frame_hold().
 */
void xfrm_xdp_frame_taken(struct xfrm_state *x)
{
	struct xfrm_xdp_pool *pool = this_cpu_ptr(&xfrm_xdp_pools);

	this_cpu_inc(xfrm_xdp_net_rcu(xs_net(x))->stats->in_flight);
	pool->nr--;
	schedule_work_on(smp_processor_id(), &pool->refill);
}

/**
 * xfrm_xdp_frame_complete() - the crypto layer is through with a frame it kept
 * @data: struct xfrm_xdp_frame
 * @err: of the request
 *
 * The callback of every request; one that completes at once has none.
 *
 * Context: softirq or process context.
 */
void xfrm_xdp_frame_complete(void *data, int err)
{
	struct xfrm_xdp_frame *f = data;
	struct xfrm_xdp_net *xn;

	/* A request that waited in a backlog has only now started. */
	if (err == -EINPROGRESS)
		return;

	local_bh_disable();
	rcu_read_lock();
	xn = xfrm_xdp_net_rcu(xs_net(f->x));
	f->done(f, err);
	xfrm_xdp_frame_release(f);
	xfrm_xdp_frame_free(f);
	/* After this the namespace may go, and after the read side the module. */
	this_cpu_dec(xn->stats->in_flight);
	wake_up(&xfrm_xdp_idle);
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * xfrm_xdp_frame_to_skb() - hand a taken frame's page over to an sk_buff
 * @f: the frame
 * @data: start of the packet in the page
 * @len: its length in bytes
 *
 * Context: softirq, or BH off.
 * Return: the sk_buff or NULL; the page is the frame's no more, or still.
 */
struct sk_buff *xfrm_xdp_frame_to_skb(struct xfrm_xdp_frame *f, u8 *data,
				      unsigned int len)
{
	struct sk_buff *skb = build_skb(f->page, PAGE_SIZE);

	if (!skb)
		return NULL;
	skb_reserve(skb, data - (u8 *)f->page);
	skb_put(skb, len);
	f->page = NULL;
	return skb;
}

/*
 * A request may complete on another CPU than it was submitted on, so one CPU's count means
 * nothing. Where none is submitted any more the sum only falls, and is zero at the end only.
 */
static bool xfrm_xdp_frames_idle(const struct xfrm_xdp_net *xn)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(xn->stats, cpu)->in_flight);
	return !sum;
}

/**
 * xfrm_xdp_frame_close() - submit no more requests of a namespace, wait for those in flight
 * @xn: of a namespace on its way out, or of any when the module goes
 *
 * What may complete later is punted from then on.
 *
 * Context: process; sleeps.
 */
void xfrm_xdp_frame_close(struct xfrm_xdp_net *xn)
{
	if (xchg(&xn->requests, XFRM_XDP_REQUESTS_CLOSED) != XFRM_XDP_REQUESTS_SOME)
		return;
	/* For those that were admitted before; as cleanup_net() waits for others. */
	synchronize_rcu_expedited();
	wait_event(xfrm_xdp_idle, xfrm_xdp_frames_idle(xn));
}

/**
 * xfrm_xdp_frame_exit() - free the pools
 *
 * Context: process, when all namespaces are closed.
 */
void xfrm_xdp_frame_exit(void)
{
	struct xfrm_xdp_pool *pool;
	int cpu;

	/* The last request to finish may still be in xfrm_xdp_frame_complete(). */
	synchronize_rcu();
	for_each_possible_cpu(cpu) {
		pool = per_cpu_ptr(&xfrm_xdp_pools, cpu);
		cancel_work_sync(&pool->refill);
		while (pool->nr)
			xfrm_xdp_frame_free(pool->frame[--pool->nr]);
	}
}

int xfrm_xdp_frame_init(void)
{
	struct xfrm_xdp_pool *pool;
	struct xfrm_xdp_frame *f;
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_WORK(&per_cpu(xfrm_xdp_pools, cpu).refill, xfrm_xdp_pool_refill);
	/* Nobody uses the pools yet, so any CPU may fill them. */
	for_each_possible_cpu(cpu) {
		pool = per_cpu_ptr(&xfrm_xdp_pools, cpu);
		while (pool->nr < XFRM_XDP_POOL_SIZE) {
			f = xfrm_xdp_frame_alloc(cpu_to_node(cpu));
			if (!f)
				goto free;
			pool->frame[pool->nr++] = f;
		}
	}
	return 0;
free:
	xfrm_xdp_frame_exit();
	return -ENOMEM;
}
