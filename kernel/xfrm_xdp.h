/* SPDX-License-Identifier: GPL-2.0-only */
/* Internal interface of the xfrm_xdp module; one block per source file. */
#ifndef _XFRM_XDP_H
#define _XFRM_XDP_H

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/rhashtable.h>
#include <linux/scatterlist.h>
#include <linux/udp.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <crypto/aead.h>
#include <net/xdp.h>
#include <net/xfrm.h>
#include "xfrm_xdp_kfunc.h"

struct nf_hook_state;
struct xfrm_xdp_flow;
struct xfrm_xdp_flow_id;
struct xfrm_xdp_hearing;

/* Returned where the other possible values are reasons to punt (all > 0). */
#define XFRM_XDP_OK	0

/* xfrm_xdp_stats.c: per-namespace state and counters */

/* Handles are of two parts, so that no number of flows can take the place of an SA. */
enum xfrm_xdp_part {
	XFRM_XDP_PART_FLOWS,
	XFRM_XDP_PART_SAS,
	XFRM_XDP_NR_PARTS
};

#define XFRM_XDP_OPTIONAL_BITS	10

/**
 * enum xfrm_xdp_requests - requests of a namespace that may complete later
 * @XFRM_XDP_REQUESTS_NONE: there have been none
 * @XFRM_XDP_REQUESTS_SOME: there have been some
 * @XFRM_XDP_REQUESTS_CLOSED: there may be no more: the namespace is on its way out
 */
enum xfrm_xdp_requests {
	XFRM_XDP_REQUESTS_NONE,
	XFRM_XDP_REQUESTS_SOME,
	XFRM_XDP_REQUESTS_CLOSED,
};

#define XFRM_XDP_HEARD_BITS	11
#define XFRM_XDP_HEARD_BLOCKS	32

/**
 * struct xfrm_xdp_net - state of the module in a network namespace
 * @net: the namespace
 * @stats: per CPU, one counter for each enum xfrm_xdp_reason
 * @policy_gen: counts changes of the security policy database, see xfrm_xdp_policy.c
 * @addr_gen: counts addresses that this host has lost
 * @optional: by hash of protocol and reqid: outbound policies have had such an SA optional
 * @unheard: jiffies when no socket listened to events of replay states
 * @unlinked: counts the flows that were unlinked, from a number on that other namespaces are
 *	2^40 away from. A flow that was found after one value was read is of this namespace, and not
 *	freed in a later RCU read side that reads the same value.
 * @requests: enum xfrm_xdp_requests
 * @learns: bpf_xfrm_flow_learn() has been called there
 * @lock: of all below, BH off; lookups are under RCU. Innermost, but for the locks of the
 *	rhashtable and the xarrays.
 * @by_id: flows by their key and kind
 * @handles: flows by their handle
 * @used: how many flows each of @handles has
 * @bundles: how many flows hold an SA bundle
 * @hand: where the search for a flow to evict goes on
 * @ports: &struct xfrm_xdp_port by ifindex
 * @hearings: ESP that was received lately, see xfrm_xdp_heard.c
 * @sweeper: unlinks idle flows and those of dead SAs; armed while there are any
 * @last_sweep: jiffies of the last run of @sweeper
 */
struct xfrm_xdp_net {
	struct net *net;
	struct xfrm_xdp_stats __percpu *stats;
	atomic_t policy_gen;
	atomic_t addr_gen;
	unsigned long unheard;
	u64 unlinked;
	u32 requests;
	bool learns;
	DECLARE_BITMAP(optional, 1 << XFRM_XDP_OPTIONAL_BITS);
	spinlock_t lock;	/* of all below */
	struct rhashtable by_id;
	struct xarray handles[XFRM_XDP_NR_PARTS];
	u32 used[XFRM_XDP_NR_PARTS];
	u32 bundles;
	unsigned long hand;
	struct xarray ports;
	struct xfrm_xdp_hearing *hearings[XFRM_XDP_HEARD_BLOCKS];
	struct delayed_work sweeper;
	unsigned long last_sweep;
};

int xfrm_xdp_stats_init(void);
void xfrm_xdp_stats_exit(void);

/* xfrm_xdp_parse.c: IP packets as the fast path takes them */

/**
 * struct xfrm_xdp_pkt - a parsed IP packet without options or fragments
 * @l3: its IP header
 * @vlan: VLAN id of its tag, 0 for untagged
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol or next header
 * @mac_len: length of the link-layer header before @l3, of a frame, in bytes
 * @hlen: length of the IP header in bytes
 * @len: its total length in bytes, header included
 * @ttl: TTL or hop limit
 * @tos: TOS or traffic class
 * @tcp_end: TCP with SYN, FIN or RST, or without ACK
 * @ports: as in struct xfrm_xdp_flow_key, network order
 *
 * The addresses are in the packet: xfrm_xdp_pkt_saddr() and _daddr().
 */
struct xfrm_xdp_pkt {
	u8 *l3;
	u16 vlan;
	u8 family;
	u8 proto;
	u8 mac_len;
	u8 hlen;
	u16 len;
	u8 ttl;
	u8 tos;
	bool tcp_end;
	__be32 ports;
};

static inline const xfrm_address_t *xfrm_xdp_pkt_saddr(const struct xfrm_xdp_pkt *pkt)
{
	return (const void *)(pkt->l3 + (pkt->family == AF_INET ?
					 offsetof(struct iphdr, saddr) :
					 offsetof(struct ipv6hdr, saddr)));
}

static inline const xfrm_address_t *xfrm_xdp_pkt_daddr(const struct xfrm_xdp_pkt *pkt)
{
	return (const void *)(pkt->l3 + (pkt->family == AF_INET ?
					 offsetof(struct iphdr, daddr) :
					 offsetof(struct ipv6hdr, daddr)));
}

int xfrm_xdp_parse_ip6(struct xfrm_xdp_pkt *pkt, unsigned int linear, unsigned int len);
__be32 xfrm_xdp_icmp_ports(const u8 *l4, u8 family);
int xfrm_xdp_parse(struct xfrm_xdp_pkt *pkt, u8 *l3, unsigned int linear,
		   unsigned int len, __be16 proto);
/* Enough for every header that xfrm_xdp_parse() looks at. */
#define XFRM_XDP_HEADERS	(sizeof(struct ipv6hdr) + sizeof(struct tcphdr))

int xfrm_xdp_parse_skb(struct xfrm_xdp_pkt *pkt, u8 *headers, const struct sk_buff *skb);
int xfrm_xdp_parse_frame(struct xfrm_xdp_pkt *pkt, const struct xdp_buff *xdp);
bool xfrm_xdp_tag_beside(const struct xdp_buff *xdp);
void xfrm_xdp_pkt_key(struct xfrm_xdp_flow_key *key,
		      const struct xfrm_xdp_pkt *pkt, u32 ifindex, u64 sa);

__be32 xfrm_xdp_encap_spi(const struct xfrm_xdp_pkt *pkt);

/* xfrm_xdp_vlan.c: 802.1Q, and link-layer headers */
bool xfrm_xdp_vlan_known(const struct net_device *dev);
struct net_device *xfrm_xdp_vlan_below(const struct net_device *dev);
u16 xfrm_xdp_vlan_tag(const struct net_device *dev);
bool xfrm_xdp_vlan_mapped(const struct net_device *dev);
void xfrm_xdp_vlan_rx(const struct net_device *dev, unsigned int len);
void xfrm_xdp_vlan_sent(const struct net_device *dev, unsigned int len);

/* xfrm_xdp_checksum.c: checksums that were left to hardware */
bool xfrm_xdp_checksum_owed(const struct xdp_buff *xdp);
__sum16 xfrm_xdp_checksum_pseudo(const struct xfrm_xdp_pkt *pkt);

/* xfrm_xdp_generic.c: XDP programs on sk_buffs */
int xfrm_xdp_generic_clear(const struct xdp_buff *xdp, const struct xfrm_xdp_pkt *pkt);
void xfrm_xdp_generic_frame(struct xdp_buff *xdp, u8 *start, const u8 *end);

/* xfrm_xdp_replay.c: the SA's own replay state, under x->lock */

/**
 * enum xfrm_xdp_replay - where a received sequence number stands
 * @XFRM_XDP_REPLAY_NEW: not seen, and not left of the window
 * @XFRM_XDP_REPLAY_ZERO: zero, which no sender may use
 * @XFRM_XDP_REPLAY_OLD: left of the window
 * @XFRM_XDP_REPLAY_DUP: seen before
 */
enum xfrm_xdp_replay {
	XFRM_XDP_REPLAY_NEW,
	XFRM_XDP_REPLAY_ZERO,
	XFRM_XDP_REPLAY_OLD,
	XFRM_XDP_REPLAY_DUP,
};

enum xfrm_xdp_replay xfrm_xdp_replay_look(const struct xfrm_state *x, u32 seq);
bool xfrm_xdp_replay_mark(struct xfrm_state *x, __be32 net_seq);
u32 xfrm_xdp_replay_window(const struct xfrm_state *x);
void xfrm_xdp_replay_moved(struct xfrm_state *x);

/* xfrm_xdp_sa.c: which SAs the fast path takes */
int xfrm_xdp_sa_check(const struct xfrm_state *x, u8 dir);
void xfrm_xdp_sa_key(struct xfrm_xdp_flow_key *key, const struct xfrm_state *x);

/* xfrm_xdp_policy.c: when may the stack decide otherwise? */
void xfrm_xdp_policy_changed(const struct net *net);
void xfrm_xdp_policy_noted(const struct xfrm_policy *xp, int dir);
void xfrm_xdp_policy_met(struct xfrm_state *x);
void __init xfrm_xdp_policy_init(void);

/* xfrm_xdp_frame.c: memory that crypto requests may outlive the kfunc in */

#define XFRM_XDP_REQ_SPACE	1536
#define XFRM_XDP_FRAME_ROOM	256	/* headroom of a frame's page */
#define XFRM_XDP_FRAME_DATA						\
	(PAGE_SIZE - XFRM_XDP_FRAME_ROOM -				\
	 SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))

/**
 * struct xfrm_xdp_frame - one ESP operation and the memory it works on
 * @page: for packets that are not transformed in place
 * @x: the SA; referenced between xfrm_xdp_frame_hold() and _release()
 * @dev: output: egress device, input: ingress; referenced like @x
 * @esph: ESP header of the packet that is transformed
 * @l3: input: its outer IP header
 * @len: from @esph to the end of the ICV, in bytes
 * @seq: sequence number, low half, network order
 * @seq_hi: its high half
 * @saved: with ESN, the four bytes before @esph
 * @mac: link-layer header, where it comes with the packet
 * @mac_len: length of the link-layer header in bytes
 * @hdr_len: output: of all headers before @esph, in bytes
 * @ports: output: of the UDP header around ESP
 * @ip: output: the IP header that transport and BEET mode take away
 * @iface: input: xfrm interface that receives the inner packet; referenced like @x
 * @routed: output: @dev is not the egress device, the host's routes tell
 * @family: of the outer header
 * @tos: input: of the outer header
 * @ttl: input: of the outer header
 * @done: called when a taken frame completes
 * @sg: the packet, for the crypto layer; its ICV, where there is one, is the second
 * @iv: of the request
 * @req: the request; its context follows
 */
struct xfrm_xdp_frame {
	void *page;
	struct xfrm_state *x;
	struct net_device *dev;
	struct net_device *iface;
	u8 *esph;
	u8 *l3;
	unsigned int len;
	__be32 seq;
	__be32 seq_hi;
	__be32 saved;
	u8 mac[VLAN_ETH_HLEN];
	u8 mac_len;
	u8 hdr_len;
	bool routed;
	u8 family;
	u8 tos;
	u8 ttl;
	__be16 ports[2];
	u8 ip[sizeof(struct ipv6hdr)];
	void (*done)(struct xfrm_xdp_frame *f, int err);
	struct scatterlist sg[2];
	u8 iv[16] __aligned(16);
	struct aead_request req;
};

#define XFRM_XDP_POOL_SIZE	16

/**
 * struct xfrm_xdp_pool - a CPU's frames; used with BH off on that CPU
 * @frame: the frames
 * @nr: how many there are
 * @refill: makes up for those that were taken
 */
struct xfrm_xdp_pool {
	struct xfrm_xdp_frame *frame[XFRM_XDP_POOL_SIZE];
	unsigned int nr;
	struct work_struct refill;
};

DECLARE_PER_CPU(struct xfrm_xdp_pool, xfrm_xdp_pools);

void xfrm_xdp_frame_none(struct xfrm_xdp_pool *pool);
bool xfrm_xdp_frame_hold(struct xfrm_xdp_frame *f);
void xfrm_xdp_frame_release(struct xfrm_xdp_frame *f);
void xfrm_xdp_frame_taken(struct xfrm_state *x);
void xfrm_xdp_frame_complete(void *data, int err);
struct sk_buff *xfrm_xdp_frame_to_skb(struct xfrm_xdp_frame *f, u8 *data,
				      unsigned int len);
int xfrm_xdp_frame_init(void);
void xfrm_xdp_frame_close(struct xfrm_xdp_net *xn);
void xfrm_xdp_frame_exit(void);

/* xfrm_xdp_inner.c: what an SA's mode makes of what was decrypted */

/**
 * struct xfrm_xdp_inner - what came out of ESP
 * @l3: payload; then the inner IP header
 * @len: bytes from there on, TFC padding included
 * @proto: protocol of the payload
 * @family: of the inner packet
 */
struct xfrm_xdp_inner {
	u8 *l3;
	unsigned int len;
	u8 proto;
	u8 family;
};

int xfrm_xdp_inner_packet(const struct xfrm_xdp_frame *f, struct xfrm_xdp_inner *inner);

/* xfrm_xdp_output.c, xfrm_xdp_input.c: one packet through one SA */

struct xfrm_xdp_outer;

enum xfrm_xdp_verdict xfrm_xdp_output(struct xdp_buff *xdp,
				      struct xfrm_state *x,
				      const struct xfrm_xdp_pkt *pkt,
				      const struct xfrm_xdp_outer *outer,
				      struct bpf_xfrm_xdp_opts *opts);
enum xfrm_xdp_verdict xfrm_xdp_input(struct xdp_buff *xdp,
				     struct xfrm_state *x,
				     const struct xfrm_xdp_pkt *pkt,
				     struct net_device *iface,
				     struct bpf_xfrm_xdp_opts *opts);

/* xfrm_xdp_egress.c: can a frame leave as the stack would have sent it? */
bool xfrm_xdp_egress_hooked_below(const struct net_device *out);
int xfrm_xdp_egress_check(const struct net_device *in, const struct net_device *out);

/* xfrm_xdp_arrival.c: is a packet that leaves the one that arrived? */
int __init xfrm_xdp_arrival_init(void);
void xfrm_xdp_arrival_exit(void);
void xfrm_xdp_arrival_note(const struct nf_hook_state *state, const struct sk_buff *skb);
bool xfrm_xdp_arrival_is(const struct sk_buff *skb, const struct xfrm_xdp_pkt *pkt, u32 gens);

/* xfrm_xdp_hooks.c: does anything stand outside the learner's hooks? */
bool xfrm_xdp_hooks_sent_on(const struct sk_buff *skb);
bool xfrm_xdp_hooks_outside(const struct net *net, u8 family, unsigned int hook);

/* xfrm_xdp_learn.c: a packet that the stack accepted becomes a flow */
int xfrm_xdp_learn(const struct nf_hook_state *state, struct sk_buff *skb,
		   struct bpf_xfrm_learn_opts *opts);

/* xfrm_xdp_redirect.c: redirects of IPv6 */
bool xfrm_xdp_redirected6(struct net *net, const struct net_device *dev,
			  const struct sk_buff *skb);

/* xfrm_xdp_dst.c: what xfrm_xdp_dst.h leaves to the kernel */
u32 xfrm_xdp_dst_cookie(const struct dst_entry *dst, u32 routes6);
bool xfrm_xdp_dst_valid(struct dst_entry *dst, u32 cookie);

/* xfrm_xdp_neigh.c: next hops */
bool xfrm_xdp_neigh_copy(const struct dst_entry *path, const xfrm_address_t *daddr, u8 *mac);

/* xfrm_xdp_heard.c: does the ESP of an inbound SA come from where it says? */
void xfrm_xdp_heard_note(const struct sk_buff *skb, const struct xfrm_xdp_pkt *pkt,
			 const struct net_device *rx);
bool xfrm_xdp_heard(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow_id *id,
		    const struct sk_buff *skb, u32 *when, u32 *routes, u32 *udp_gen);
void xfrm_xdp_heard_free(struct xfrm_xdp_net *xn);

/* xfrm_xdp_stack_rx.c: what the stack itself decrypts */
void xfrm_xdp_esp_decrypted_at(const struct net_device *dev);
bool xfrm_xdp_esp_decrypted_lately(const struct net_device *dev);
int __init xfrm_xdp_stack_rx_init(void);
void xfrm_xdp_stack_rx_exit(void);

/* xfrm_xdp_leaving.c: do the ESP packets of an outbound SA leave the host? */
u64 xfrm_xdp_leaving_handle(struct xfrm_xdp_net *xn, struct xfrm_state *x,
			    const struct net_device *out);
bool xfrm_xdp_leaving_seen(const struct nf_hook_state *state, const struct sk_buff *skb);

/* xfrm_xdp_iface.c: xfrm interfaces */
u32 xfrm_xdp_iface_id(const struct net_device *dev);
bool xfrm_xdp_iface_has(const struct net_device *dev, u32 if_id);
int xfrm_xdp_iface_leave(struct xfrm_xdp_net *xn, const struct sk_buff *skb,
			 const struct xfrm_xdp_flow_id *id, const struct net_device *in,
			 struct dst_entry *dst, u32 policy_gen, u32 routes6);
struct xfrm_xdp_flow *xfrm_xdp_iface_sent(struct xfrm_xdp_net *xn, const struct sk_buff *skb);
int xfrm_xdp_iface_holds(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow,
			 unsigned int len);
void xfrm_xdp_iface_tx(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow,
		       unsigned int len, bool ok);
void xfrm_xdp_iface_arrived(const struct net_device *dev, struct xfrm_state *x);
u32 xfrm_xdp_iface_arrival(struct xfrm_xdp_net *xn, const struct xfrm_state *x);
void xfrm_xdp_iface_rx(struct sk_buff *skb, struct net_device *dev);

/* xfrm_xdp_conntrack.c: flows that conntrack wants to see whole */
bool xfrm_xdp_conntrack_ok(const struct sk_buff *skb, u8 proto);
void xfrm_xdp_conntrack_let_go(const struct sk_buff *skb, u8 proto);

/* xfrm_xdp_meta.c: metadata between XDP and tc, and its proof */
void xfrm_xdp_meta_decrypted(struct xdp_buff *xdp, u64 sa, u32 ifindex, unsigned int len);
u64 xfrm_xdp_meta_proof(const struct xfrm_xdp_flow_key *key);
bool xfrm_xdp_meta_true(const struct xdp_buff *xdp);
void xfrm_xdp_meta_prove(struct xdp_buff *xdp, u64 sa);
int xfrm_xdp_meta_store(struct xdp_buff *xdp, struct bpf_xfrm_xdp_opts *opts);
int xfrm_xdp_meta_secpath(struct sk_buff *skb, struct xfrm_state *x);
u8 xfrm_xdp_meta_checksum(const struct xfrm_state *x);
bool xfrm_xdp_meta_was_fast(const struct sec_path *sp);
int xfrm_xdp_meta_restore(struct sk_buff *skb, struct bpf_xfrm_xdp_opts *opts);
void __init xfrm_xdp_meta_init(void);

/* xfrm_xdp_uptake.c: is there a tc program that takes up what XDP hands up? */
void xfrm_xdp_uptake_wanted(const struct net_device *dev, u64 sa);
void xfrm_xdp_uptake_seen(const struct sk_buff *skb);
void xfrm_xdp_uptake_done(const struct net_device *dev);
void xfrm_xdp_uptake_forget(struct xfrm_xdp_net *xn);
bool xfrm_xdp_uptake_ends(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow,
			  const struct net_device *dev);

/* xfrm_xdp_audit.c: audit records that want an sk_buff */
void xfrm_xdp_audit_icvfail(struct xfrm_state *x, const struct xfrm_xdp_frame *f);
void xfrm_xdp_audit_replay(struct xfrm_state *x, const struct xfrm_xdp_frame *f);

/* xfrm_xdp_bpf.c: the kfuncs */
int __init xfrm_xdp_bpf_init(void);

#include "xfrm_xdp_flow.h"
#include "xfrm_xdp_inline.h"
#include "xfrm_xdp_inline_flow.h"

#endif /* _XFRM_XDP_H */
