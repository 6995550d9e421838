// SPDX-License-Identifier: GPL-2.0-only
/* The hash table of all flows: by their id, and by a packet, which is not made a key first. */

#include <linux/random.h>
#include <linux/rhashtable.h>
#include <net/netns/hash.h>
#include "xfrm_xdp.h"

/* It has its own locks, and is changed under xfrm_xdp_slots_lock. */
static struct rhashtable xfrm_xdp_by_id;

/* Two for each two words of 32 bits that are hashed: three pairs, and three more of IPv6. */
static u64 xfrm_xdp_hash_keys[12] __ro_after_init;

/**
 * struct xfrm_xdp_words - what tells flows apart, of a key or of a packet
 * @saddr: source address
 * @daddr: destination address
 * @spi: or ports
 * @more: DSCP, or ports of ESP in UDP
 * @ifindex: ingress device
 * @vlan: VLAN id
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol
 * @sa: handle of the inbound SA
 * @net: namespace
 */
struct xfrm_xdp_words {
	const __be32 *saddr;
	const __be32 *daddr;
	__be32 spi;
	u32 more;
	u32 ifindex;
	u16 vlan;
	u8 family;
	u8 proto;
	u64 sa;
	const struct net *net;
};

/* One pair of words of NH (RFC 4418 section 5.2.2), on 64 bits. */
static __always_inline u64 xfrm_xdp_nh(unsigned int pair, u32 a, u32 b)
{
	return (xfrm_xdp_hash_keys[2 * pair] + a) * (xfrm_xdp_hash_keys[2 * pair + 1] + b);
}

/*
 * All that senders choose has a part in it, and keys that they do not know: no set of
 * flows that they make is one chain. The table's seed has what collides fall apart.
 */
static __always_inline u32 xfrm_xdp_words_hash(const struct xfrm_xdp_words *w, u32 seed)
{
	const u32 *s = (__force const u32 *)w->saddr;
	const u32 *d = (__force const u32 *)w->daddr;
	u64 h;

	h = xfrm_xdp_nh(0, s[0], d[0]) +
	    xfrm_xdp_nh(1, (__force u32)w->spi, w->more ^ net_hash_mix(w->net)) +
	    xfrm_xdp_nh(2, lower_32_bits(w->sa), w->ifindex ^ w->vlan << 12 ^ w->proto << 24);
	if (w->family != AF_INET)
		h += xfrm_xdp_nh(3, s[1], d[1]) + xfrm_xdp_nh(4, s[2], d[2]) +
		     xfrm_xdp_nh(5, s[3], d[3]);
	return h * ((u64)seed << 32 | seed | 1) >> 32;
}

static __always_inline u32 xfrm_xdp_key_hash(const struct xfrm_xdp_flow_key *key,
					     const struct net *net, u32 seed)
{
	const struct xfrm_xdp_words words = {
		.saddr = key->saddr,
		.daddr = key->daddr,
		.spi = key->spi,
		.more = key->proto == IPPROTO_ESP ? (__force u32)key->encap : key->dscp,
		.ifindex = key->ifindex,
		.vlan = key->vlan,
		.family = key->family,
		.proto = key->proto,
		.sa = key->sa,
		.net = net,
	};

	return xfrm_xdp_words_hash(&words, seed);
}

static u32 xfrm_xdp_id_hash(const void *data, u32 len, u32 seed)
{
	const struct xfrm_xdp_flow_id *id = data;

	return xfrm_xdp_key_hash(&id->key, id->net, seed);
}

static u32 xfrm_xdp_flow_hash(const void *data, u32 len, u32 seed)
{
	const struct xfrm_xdp_flow *flow = data;

	return xfrm_xdp_key_hash(&flow->key, flow->net, seed);
}

static int xfrm_xdp_flow_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct xfrm_xdp_flow_id *id = arg->key;
	const struct xfrm_xdp_flow *flow = obj;

	return flow->net != id->net || flow->kind != id->kind ||
	       memcmp(&flow->key, &id->key, sizeof(id->key));
}

static const struct rhashtable_params xfrm_xdp_flow_params = {
	.head_offset		= offsetof(struct xfrm_xdp_flow, node),
	.key_len		= sizeof(struct xfrm_xdp_flow_id),
	.hashfn			= xfrm_xdp_id_hash,
	.obj_hashfn		= xfrm_xdp_flow_hash,
	.obj_cmpfn		= xfrm_xdp_flow_cmp,
	.automatic_shrinking	= true,
};

/**
 * xfrm_xdp_flow_find() - find a flow
 * @id: every byte of its key, its namespace and kind
 *
 * Context: RCU read side.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_find(const struct xfrm_xdp_flow_id *id)
{
	return rhashtable_lookup(&xfrm_xdp_by_id, id, xfrm_xdp_flow_params);
}

/* The hash of what xfrm_xdp_pkt_key() makes of a packet. */
static __always_inline u32 xfrm_xdp_sought_hash(const void *data, u32 len, u32 seed)
{
	const struct xfrm_xdp_sought *sought = data;
	const struct xfrm_xdp_pkt *pkt = sought->pkt;
	const struct xfrm_xdp_words words = {
		.saddr = xfrm_xdp_pkt_saddr(pkt)->a6,
		.daddr = xfrm_xdp_pkt_daddr(pkt)->a6,
		.spi = pkt->ports,
		.more = pkt->proto == IPPROTO_ESP ? 0 : pkt->tos & XFRM_XDP_DSCP_MASK,
		.ifindex = sought->ifindex,
		.vlan = pkt->vlan,
		.family = pkt->family,
		.proto = pkt->proto,
		.sa = sought->sa,
		.net = sought->net,
	};

	return xfrm_xdp_words_hash(&words, seed);
}

static __always_inline int xfrm_xdp_sought_cmp(struct rhashtable_compare_arg *arg,
					       const void *obj)
{
	return !xfrm_xdp_flow_is(obj, arg->key);
}

static const struct rhashtable_params xfrm_xdp_sought_params = {
	.head_offset		= offsetof(struct xfrm_xdp_flow, node),
	.key_len		= sizeof(struct xfrm_xdp_sought),
	.hashfn			= xfrm_xdp_sought_hash,
	.obj_cmpfn		= xfrm_xdp_sought_cmp,
};

DEFINE_PER_CPU(u64 [2], xfrm_xdp_last_flow);

/**
 * xfrm_xdp_flow_find_other() - xfrm_xdp_flow_find_pkt() where it is not the last one
 * @sought: the packet
 *
 * Context: XDP: BH off, RCU read side.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_find_other(const struct xfrm_xdp_sought *sought)
{
	struct xfrm_xdp_flow *flow = rhashtable_lookup(&xfrm_xdp_by_id, sought,
						       xfrm_xdp_sought_params);

	if (flow)
		*xfrm_xdp_flow_last(sought->kind) = flow->handle;
	return flow;
}

/**
 * xfrm_xdp_table_insert() - put a flow into the table
 * @flow: complete, handle and all: it may be found at once
 *
 * Context: xfrm_xdp_slots_lock held.
 * Return: 0; -EEXIST where one with this id is there; -ENOMEM or -EBUSY where the table
 * cannot grow just now.
 */
int xfrm_xdp_table_insert(struct xfrm_xdp_flow *flow)
{
	const struct xfrm_xdp_flow_id id = {
		.key = flow->key,
		.net = flow->net,
		.kind = flow->kind,
	};

	return rhashtable_lookup_insert_key(&xfrm_xdp_by_id, &id, &flow->node,
					    xfrm_xdp_flow_params);
}

/**
 * xfrm_xdp_table_remove() - take a flow out of the table
 * @flow: in it
 *
 * Context: xfrm_xdp_slots_lock held.
 */
void xfrm_xdp_table_remove(struct xfrm_xdp_flow *flow)
{
	rhashtable_remove_fast(&xfrm_xdp_by_id, &flow->node, xfrm_xdp_flow_params);
}

/**
 * xfrm_xdp_table_bytes() - memory of the table itself
 *
 * Context: any.
 */
u64 xfrm_xdp_table_bytes(void)
{
	u64 bytes;

	rcu_read_lock();
	bytes = (u64)rcu_dereference(xfrm_xdp_by_id.tbl)->size * sizeof(void *);
	rcu_read_unlock();
	return bytes;
}

int __init xfrm_xdp_table_init(void)
{
	get_random_bytes(xfrm_xdp_hash_keys, sizeof(xfrm_xdp_hash_keys));
	return rhashtable_init(&xfrm_xdp_by_id, &xfrm_xdp_flow_params);
}

/* Nobody looks anything up any more, and it is empty. */
void xfrm_xdp_table_exit(void)
{
	rhashtable_destroy(&xfrm_xdp_by_id);
}
