// SPDX-License-Identifier: GPL-2.0-only
/* The hash table of flows of a namespace: by their id, and by a packet without making a key. */

#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/unaligned.h>
#include "xfrm_xdp.h"

/* Two for each two words of 32 bits that are hashed: three pairs, and three more of IPv6. */
static u64 xfrm_xdp_hash_keys[12] __ro_after_init;

/* What a key has beside SPI or ports: the ports of ESP in UDP, or the DSCP. */
static __always_inline u32 xfrm_xdp_key_more(const struct xfrm_xdp_flow_key *key)
{
	return key->proto == IPPROTO_ESP ? (__force u32)key->encap : key->dscp;
}

/* What a flow of this id has, as its packets have it. */
static __always_inline void xfrm_xdp_sought_of(struct xfrm_xdp_sought *sought,
					       const struct xfrm_xdp_flow_key *key, u8 kind)
{
	*sought = (struct xfrm_xdp_sought) {
		.saddr = key->saddr,
		.daddr = key->daddr,
		.sa = key->sa,
		.ifindex = key->ifindex,
		.spi = key->spi,
		.more = xfrm_xdp_key_more(key),
		.vlan = key->vlan,
		.family = key->family,
		.proto = key->proto,
		.kind = kind,
	};
}

/* Two words of 32 bits, added to keys that nobody knows, and multiplied. */
static __always_inline u64 xfrm_xdp_hash_pair(unsigned int pair, u32 a, u32 b)
{
	return (xfrm_xdp_hash_keys[2 * pair] + a) * (xfrm_xdp_hash_keys[2 * pair + 1] + b);
}

static __always_inline u32 xfrm_xdp_word(const __be32 *word)
{
	return get_unaligned((__force const u32 *)word);
}

/*
 * Pair-multiply-shift (Thorup, High Speed Hashing for Integers and Strings, 2015): of a
 * sum of products of pairs of words the upper half is a hash, the lower half is none. All
 * that senders choose has a part in it. What collides in a table does not in the next one,
 * with another seed.
 */
static u32 xfrm_xdp_sought_hash(const void *data, u32 len, u32 seed)
{
	const struct xfrm_xdp_sought *s = data;
	u64 h;

	h = xfrm_xdp_hash_pair(0, xfrm_xdp_word(s->saddr), xfrm_xdp_word(s->daddr)) +
	    xfrm_xdp_hash_pair(1, (__force u32)s->spi, s->more) +
	    xfrm_xdp_hash_pair(2, lower_32_bits(s->sa),
			       s->ifindex ^ s->vlan << 12 ^ s->proto << 24);
	if (s->family != AF_INET)
		h += xfrm_xdp_hash_pair(3, xfrm_xdp_word(s->saddr + 1),
					xfrm_xdp_word(s->daddr + 1)) +
		     xfrm_xdp_hash_pair(4, xfrm_xdp_word(s->saddr + 2),
					xfrm_xdp_word(s->daddr + 2)) +
		     xfrm_xdp_hash_pair(5, xfrm_xdp_word(s->saddr + 3),
					xfrm_xdp_word(s->daddr + 3));
	h ^= h >> 32;
	return h * ((u64)seed << 32 | seed | 1) >> 32;
}

static u32 xfrm_xdp_flow_hash(const void *data, u32 len, u32 seed)
{
	const struct xfrm_xdp_flow *flow = data;
	struct xfrm_xdp_sought sought;

	xfrm_xdp_sought_of(&sought, &flow->key, flow->kind);
	return xfrm_xdp_sought_hash(&sought, sizeof(sought), seed);
}

static int xfrm_xdp_flow_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct xfrm_xdp_sought *s = arg->key;
	const struct xfrm_xdp_flow *flow = obj;
	const struct xfrm_xdp_flow_key *key = &flow->key;

	return !(flow->kind == s->kind &&
		 key->ifindex == s->ifindex && key->sa == s->sa && key->spi == s->spi &&
		 xfrm_xdp_key_more(key) == s->more && key->vlan == s->vlan &&
		 key->family == s->family && key->proto == s->proto &&
		 xfrm_addr_equal((const xfrm_address_t *)key->saddr,
				 (const xfrm_address_t *)s->saddr, key->family) &&
		 xfrm_addr_equal((const xfrm_address_t *)key->daddr,
				 (const xfrm_address_t *)s->daddr, key->family));
}

static const struct rhashtable_params xfrm_xdp_flow_params = {
	.head_offset		= offsetof(struct xfrm_xdp_flow, node),
	.key_len		= sizeof(struct xfrm_xdp_sought),
	.hashfn			= xfrm_xdp_sought_hash,
	.obj_hashfn		= xfrm_xdp_flow_hash,
	.obj_cmpfn		= xfrm_xdp_flow_cmp,
	.automatic_shrinking	= true,
};

/**
 * xfrm_xdp_flow_seek() - find the flow of a packet
 * @xn: of its namespace
 * @sought: what it has, and where it is from
 *
 * Context: RCU read side.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_seek(struct xfrm_xdp_net *xn,
					 const struct xfrm_xdp_sought *sought)
{
	return rhashtable_lookup(&xn->by_id, sought, xfrm_xdp_flow_params);
}

/**
 * xfrm_xdp_flow_find() - find a flow
 * @xn: of its namespace
 * @id: its key and kind
 *
 * Context: RCU read side.
 */
struct xfrm_xdp_flow *xfrm_xdp_flow_find(struct xfrm_xdp_net *xn,
					 const struct xfrm_xdp_flow_id *id)
{
	struct xfrm_xdp_sought sought;

	xfrm_xdp_sought_of(&sought, &id->key, id->kind);
	return xfrm_xdp_flow_seek(xn, &sought);
}

/**
 * xfrm_xdp_table_insert() - put a flow into the table
 * @xn: of its namespace
 * @flow: complete, handle and all: it may be found at once
 *
 * Context: xn->lock held.
 * Return: 0; -EEXIST where one with this id is there; -ENOMEM or -EBUSY where the table
 * cannot grow just now.
 */
int xfrm_xdp_table_insert(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	struct xfrm_xdp_sought sought;

	xfrm_xdp_sought_of(&sought, &flow->key, flow->kind);
	return rhashtable_lookup_insert_key(&xn->by_id, &sought, &flow->node,
					    xfrm_xdp_flow_params);
}

/**
 * xfrm_xdp_table_remove() - take a flow out of the table
 * @xn: of its namespace
 * @flow: in it
 *
 * Context: xn->lock held.
 */
void xfrm_xdp_table_remove(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow)
{
	rhashtable_remove_fast(&xn->by_id, &flow->node, xfrm_xdp_flow_params);
}

/**
 * xfrm_xdp_table_bytes() - memory of the table itself
 * @xn: of the namespace
 *
 * Context: any.
 */
u64 xfrm_xdp_table_bytes(struct xfrm_xdp_net *xn)
{
	u64 bytes;

	rcu_read_lock();
	bytes = (u64)rcu_dereference(xn->by_id.tbl)->size * sizeof(void *);
	rcu_read_unlock();
	return bytes;
}

int xfrm_xdp_table_init(struct xfrm_xdp_net *xn)
{
	return rhashtable_init(&xn->by_id, &xfrm_xdp_flow_params);
}

/* It is empty, and nobody looks anything up any more. */
void xfrm_xdp_table_free(struct xfrm_xdp_net *xn)
{
	rhashtable_destroy(&xn->by_id);
}

void __init xfrm_xdp_table_keys(void)
{
	get_random_bytes(xfrm_xdp_hash_keys, sizeof(xfrm_xdp_hash_keys));
}
