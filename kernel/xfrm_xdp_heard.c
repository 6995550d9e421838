// SPDX-License-Identifier: GPL-2.0-only
/*
 * An inbound SA is known in XDP by where its ESP comes from: addresses, ports, device. The
 * stack knows it by its SPI, takes its packets from wherever they come, and has forgotten
 * that when the decrypted packet is learned from. So the SA is learned only where ESP that
 * looks as XDP wants it has passed the last rule for this host, and is as old as that: rules
 * against its peer are obeyed though others send its packets on.
 */

#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/route.h>
#include "xfrm_xdp.h"

/*
 * Each packet is learned from soon after it was heard, in the same receive batch: few are
 * overwritten before that, and the next one of the SA is learned from then. A namespace has
 * XFRM_XDP_HEARD_BLOCKS blocks of these, each allocated when it is needed first.
 */
#define XFRM_XDP_HEARD_BLOCK_BITS	6

/**
 * struct xfrm_xdp_hearing - ESP that this host received lately, of one hash
 * @lock: of all below; taken with BH off
 * @when: jiffies, the low half
 * @looks: hash of the key of its SA; 0: nothing heard yet
 * @routes: of the namespace, see xfrm_xdp_route_gen()
 * @udp: the packet by which the policy for its UDP is known once it teaches; compared, never
 *	dereferenced
 * @udp_when: jiffies when it was noted, the low half
 * @udp_gen: &xfrm_xdp_net.policy_gen from before the stack checked it
 */
struct xfrm_xdp_hearing {
	spinlock_t lock;	/* of all below */
	u32 when;
	u64 looks;
	u32 routes;
	u32 udp_when;
	const struct sk_buff *udp;
	u32 udp_gen;
};

static struct xfrm_xdp_hearing **xfrm_xdp_hearing_block(struct xfrm_xdp_net *xn, u32 hash)
{
	BUILD_BUG_ON(XFRM_XDP_HEARD_BLOCKS != 1 << (XFRM_XDP_HEARD_BITS -
						    XFRM_XDP_HEARD_BLOCK_BITS));
	return &xn->hearings[hash >> XFRM_XDP_HEARD_BLOCK_BITS];
}

static struct xfrm_xdp_hearing *xfrm_xdp_hearing_of(struct xfrm_xdp_net *xn, u64 looks)
{
	u32 hash = hash_64(looks, XFRM_XDP_HEARD_BITS);
	struct xfrm_xdp_hearing *block = READ_ONCE(*xfrm_xdp_hearing_block(xn, hash));

	return block ? &block[hash & (BIT(XFRM_XDP_HEARD_BLOCK_BITS) - 1)] : NULL;
}

/* The same, or NULL where there is no memory. */
static struct xfrm_xdp_hearing *xfrm_xdp_hearing_get(struct xfrm_xdp_net *xn, u64 looks)
{
	struct xfrm_xdp_hearing *hearing = xfrm_xdp_hearing_of(xn, looks), *block;
	unsigned int i;

	if (likely(hearing))
		return hearing;
	block = kcalloc(BIT(XFRM_XDP_HEARD_BLOCK_BITS), sizeof(*block), GFP_ATOMIC | __GFP_NOWARN);
	if (!block)
		return NULL;
	for (i = 0; i < BIT(XFRM_XDP_HEARD_BLOCK_BITS); i++)
		spin_lock_init(&block[i].lock);
	/* Another CPU may be faster. */
	if (cmpxchg(xfrm_xdp_hearing_block(xn, hash_64(looks, XFRM_XDP_HEARD_BITS)), NULL, block))
		kfree(block);
	return xfrm_xdp_hearing_of(xn, looks);
}

/*
 * UDP asks the inbound policy only after this, so a packet that was heard may still be refused.
 * That one was not is seen when it is decrypted and learned from: others of its receive batch
 * have been heard by then, so it is kept for a jiffy or two.
 */
static void xfrm_xdp_heard_udp(struct xfrm_xdp_hearing *hearing, const struct sk_buff *skb,
			       u32 policy_gen)
{
	u32 now = jiffies;

	if (hearing->udp && hearing->udp != skb && hearing->udp_gen == policy_gen &&
	    now - hearing->udp_when <= 1)
		return;
	hearing->udp = skb;
	hearing->udp_when = now;
	hearing->udp_gen = policy_gen;
}

/**
 * xfrm_xdp_heard_note() - note ESP that this host receives
 * @skb: packet at LOCAL_IN
 * @pkt: its headers
 * @rx: device where XDP runs
 *
 * Anybody may have sent it: what it says is that rules and routes let such packets pass,
 * which they know by the same headers. Whether there is such an SA is said by a genuine one,
 * when what is in it is learned from.
 *
 * Context: BH off.
 */
void xfrm_xdp_heard_note(const struct sk_buff *skb, const struct xfrm_xdp_pkt *pkt,
			 const struct net_device *rx)
{
	const struct rtable *rt = skb_rtable(skb);
	struct xfrm_xdp_net *xn = xfrm_xdp_net(dev_net(rx));
	struct xfrm_xdp_hearing *hearing;
	struct xfrm_xdp_flow_key key;
	u64 looks;

	xfrm_xdp_pkt_key(&key, pkt, rx->ifindex, 0);
	if (pkt->proto != IPPROTO_ESP) {
		/* At other ports none is learned. */
		key.spi = (pkt->ports & htonl(U16_MAX)) == htonl(XFRM_XDP_NATT_PORT) ?
			  xfrm_xdp_encap_spi(pkt) : 0;
		if (!key.spi)
			return;
		key.proto = IPPROTO_ESP;
		key.encap = pkt->ports;
	}
	key.sa = 0;
	looks = xfrm_xdp_meta_proof(&key);
	hearing = xfrm_xdp_hearing_get(xn, looks);
	if (!hearing)
		return;
	spin_lock(&hearing->lock);
	if (hearing->looks != looks)
		hearing->udp = NULL;
	hearing->looks = looks;
	hearing->when = jiffies;
	/* A route of IPv4 knows what it is of. */
	hearing->routes = pkt->family == AF_INET && rt ? rt->rt_genid :
							 xfrm_xdp_route_gen(xn->net, pkt->family);
	if (key.encap)
		xfrm_xdp_heard_udp(hearing, skb, atomic_read_acquire(&xn->policy_gen));
	spin_unlock(&hearing->lock);
}

/**
 * xfrm_xdp_heard() - has ESP been heard that looks as an SA's has to?
 * @xn: of the namespace
 * @id: of the SA's flow
 * @skb: packet that it decrypted
 * @when: result: jiffies, the low half
 * @routes: result: xfrm_xdp_route_gen() at that time
 * @udp_gen: result, where the packet tells: &xfrm_xdp_net.policy_gen from before the stack
 *	checked the UDP packet that it came in
 *
 * What esp4_offload decrypts in GRO no rule, route or policy was asked about, and none need be.
 *
 * Context: BH off.
 * Return: whether it has, within the revalidation interval.
 */
bool xfrm_xdp_heard(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow_id *id,
		    const struct sk_buff *skb, u32 *when, u32 *routes, u32 *udp_gen)
{
	u64 looks = xfrm_xdp_meta_proof(&id->key);
	struct xfrm_xdp_hearing *hearing = xfrm_xdp_hearing_of(xn, looks);
	const struct sec_path *sp = skb_sec_path(skb);
	bool found;

	if (sp->ovec[0].flags & XFRM_GRO && !xfrm_xdp_meta_was_fast(sp)) {
		*when = jiffies;
		*routes = xfrm_xdp_route_gen(xn->net, id->key.family);
		*udp_gen = atomic_read(&xn->policy_gen);
		return true;
	}
	if (!hearing)
		return false;
	spin_lock(&hearing->lock);
	*when = hearing->when;
	*routes = hearing->routes;
	found = hearing->looks == looks;
	if (found && hearing->udp == skb) {
		*udp_gen = hearing->udp_gen;
		hearing->udp = NULL;
	}
	spin_unlock(&hearing->lock);
	return found && (u32)jiffies - *when <= READ_ONCE(xfrm_xdp_interval);
}

/**
 * xfrm_xdp_heard_free() - free what was heard in a namespace
 * @xn: of the namespace, in which no packet is received any more
 *
 * Context: process.
 */
void xfrm_xdp_heard_free(struct xfrm_xdp_net *xn)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xn->hearings); i++)
		kfree(xn->hearings[i]);
}
