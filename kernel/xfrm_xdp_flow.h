/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of a namespace, how they are found, and the ports that they use; see xfrm_xdp.h. */
#ifndef _XFRM_XDP_FLOW_H
#define _XFRM_XDP_FLOW_H

/* xfrm_xdp_port.c: devices */

/* By which end of a flow it uses a port. */
enum xfrm_xdp_end {
	XFRM_XDP_IN,
	XFRM_XDP_OUT,
	XFRM_XDP_NR_ENDS
};

/**
 * struct xfrm_xdp_port - state of the module for a device
 * @flows: that are received by it and that leave by it; under &xfrm_xdp_net.lock
 * @dev: the device; not referenced: the port goes with NETDEV_UNREGISTER
 * @esp_decrypted: jiffies when it was last about to receive what the stack decrypted, or 0
 * @wanted: jiffies of the first packet that XDP passed up with metadata since the last one
 *	was restored, or 0
 * @restorer_ran: jiffies when bpf_skb_xfrm_restore() last ran for a packet, or 0
 * @retry: jiffies from when on decryption is tried again though nothing was restored
 * @rcu: to free it
 */
struct xfrm_xdp_port {
	struct hlist_head flows[XFRM_XDP_NR_ENDS];
	const struct net_device *dev;
	unsigned long esp_decrypted;
	unsigned long wanted;
	unsigned long restorer_ran;
	unsigned long retry;
	struct rcu_head rcu;
};

struct xfrm_xdp_port *xfrm_xdp_port_find(struct xfrm_xdp_net *xn, u32 ifindex);
struct xfrm_xdp_port *xfrm_xdp_port_get(struct xfrm_xdp_net *xn, u32 ifindex);
int xfrm_xdp_port_link(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
void xfrm_xdp_port_unlink(struct xfrm_xdp_flow *flow);
void xfrm_xdp_port_purge(struct xfrm_xdp_net *xn, const struct net_device *dev);
void xfrm_xdp_port_remove(struct xfrm_xdp_net *xn, const struct net_device *dev);
void xfrm_xdp_ports_free(struct xfrm_xdp_net *xn);

/* xfrm_xdp_flow.c: flows, from when they are learned to when they are forgotten */

/**
 * struct xfrm_xdp_flow_id - key of the flow table of a namespace
 * @key: as in the flow map
 * @kind: enum xfrm_xdp_flow_kind
 */
struct xfrm_xdp_flow_id {
	struct xfrm_xdp_flow_key key;
	u8 kind;
};

/**
 * struct xfrm_xdp_hop - facts about the next hop, read and written as one word
 * @mac: its link-layer address
 * @hoplimit: of a tunnel's header on the way there
 * @word: all of them
 */
union xfrm_xdp_hop {
	struct {
		u8 mac[ETH_ALEN];
		u8 hoplimit;
	};
	u64 word;
};

/**
 * struct xfrm_xdp_flow - a learned flow or inbound SA; constant once inserted
 * @key: of its &struct xfrm_xdp_flow_id
 * @handle: index and generation
 * @policy_gen: generation of the security policy it was learned under
 * @addr_gen: SA: &xfrm_xdp_net.addr_gen when it was learned
 * @cookie: forwarding: of @dst, see xfrm_xdp_dst_cookie()
 * @renew_seq: SA: sequence number of the packet that is to renew it
 * @arrived: of kind XFRM_XDP_FLOW_ARRIVING: the ingress device
 * @dst: of kind XFRM_XDP_FLOW_FORWARD and _DETOUR: route or bundle, referenced
 * @x: of other kinds: the SA, referenced
 * @in: VLAN device that its packets are received by; NULL: untagged
 * @out: forwarding: egress device of the stack, a VLAN device where it leaves tagged; SA:
 *	its xfrm interface, if any
 * @hop: forwarding: next hop, as of the jiffy in @used
 * @revalidating: 1 while a packet is on its way to renew it
 * @kind: of its &struct xfrm_xdp_flow_id
 * @left: of kind XFRM_XDP_FLOW_LEAVING: ESP packets have left
 * @handed: SA: packets may be on their way up the stack, see xfrm_xdp_uptake_ends()
 * @pseudo: forwarding: xfrm_xdp_checksum_pseudo() where packets may come with that for a
 *	checksum, else 0
 * @dying: forwarding by an SA: that it had reached a soft limit when the flow was learned
 * @leaving: forwarding by an SA: handle of the flow of its ESP packets
 * @routes: SA: xfrm_xdp_route_gen() when its ESP was heard last
 * @udp_gen: SA of ESP in UDP: &xfrm_xdp_net.policy_gen from before the stack checked the UDP
 *	packet that was heard last
 * @via: forwarding by an SA: handle of its flow to an xfrm interface, or 0
 * @renewed: jiffies of the last packet that the stack accepted, the low half
 * @used: jiffies of the last packet that was taken, the low half; forwarding: and that in
 *	this jiffy xfrm_xdp_forward_tick() has passed: written there alone
 * @packets: that the fast path finished; a flow is one queue's, and so one CPU's at a
 *	time: where it is not, one may go uncounted here, and the SA has it
 * @bytes: of these, L2 header included, as they came in
 * @node: in the table
 * @ports: in the lists of the ports that it uses
 * @rcu: to drop its references and free it
 *
 * Neither device is referenced: the flow is unlinked when one of them is unregistered, and a
 * device is freed a grace period after that.
 *
 * Three cache lines, of which a packet writes to the last, and one that renews it to the
 * second. There may be millions:
 * what only some kinds need shares its place.
 */
struct xfrm_xdp_flow {
	struct xfrm_xdp_flow_key key;
	u64 handle;
	union {
		u32 policy_gen;
		u32 addr_gen;
	};
	union {
		u32 cookie;
		u32 renew_seq;
		u32 arrived;
	};
	union {
		struct dst_entry *dst;
		struct xfrm_state *x;
	};
	struct net_device *in;
	struct net_device *out;
	union xfrm_xdp_hop hop;
	u8 revalidating;
	u8 kind;
	union {
		struct {
			bool left;
			bool handed;
		};
		__sum16 pseudo;
	};
	bool dying;
	union {
		u64 leaving;
		struct {
			u32 routes;
			u32 udp_gen;
		};
	};
	u64 via;
	u32 renewed;
	u32 used;
	u64 packets;
	u64 bytes;
	struct rhash_head node;
	union {
		struct hlist_node ports[XFRM_XDP_NR_ENDS];
		struct rcu_head rcu;
	};
};

/**
 * struct xfrm_xdp_usage - flows of a namespace, and their memory
 * @flows: how many flows
 * @sas: how many entries of SAs
 * @max_flows: how many flows may be
 * @max_sas: how many entries of SAs may be
 * @flow_bytes: of either, what each takes of its slab
 * @bundles: how many flows hold an SA bundle, which the stack made for the flow alone
 * @bundle_bytes: what each takes of its slab
 * @slot_bytes: of what flows are found in by handle, at least
 * @hash_bytes: of the hash table
 */
struct xfrm_xdp_usage {
	u32 flows;
	u32 sas;
	u32 max_flows;
	u32 max_sas;
	u32 flow_bytes;
	u32 bundles;
	u32 bundle_bytes;
	u64 slot_bytes;
	u64 hash_bytes;
};

struct xfrm_xdp_flow *xfrm_xdp_flow_alloc(const struct xfrm_xdp_flow_id *id,
					  const struct net_device *in);
void xfrm_xdp_flow_free(struct xfrm_xdp_flow *flow);
int xfrm_xdp_flow_insert(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow,
			 struct xfrm_xdp_flow *old);
void xfrm_xdp_flow_unlink(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
void xfrm_xdp_flow_remove(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
int xfrm_xdp_flow_aged(struct xfrm_xdp_flow *flow, u32 interval);
void xfrm_xdp_flow_renew(const struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow, u32 when);
void xfrm_xdp_flow_left(struct xfrm_xdp_flow *flow);
void xfrm_xdp_flow_purge(struct xfrm_xdp_net *xn);
void xfrm_xdp_flow_sweep_soon(struct xfrm_xdp_net *xn);
void xfrm_xdp_nets_sweep(void);
u32 xfrm_xdp_idle_time(void);
void xfrm_xdp_flow_running(bool running);
bool xfrm_xdp_flow_counts(struct xfrm_xdp_net *xn, u64 handle, u64 *packets, u64 *bytes);
void xfrm_xdp_flow_usage(struct xfrm_xdp_net *xn, struct xfrm_xdp_usage *usage);
int xfrm_xdp_flows_init(struct xfrm_xdp_net *xn);
void xfrm_xdp_flows_free(struct xfrm_xdp_net *xn);
int __init xfrm_xdp_flow_init(void);
void xfrm_xdp_flow_exit(void);

/* xfrm_xdp_table.c: the hash table of flows */

/**
 * struct xfrm_xdp_sought - what a flow is looked for by, in a packet or a key
 * @saddr: source address; IPv4: one word
 * @daddr: destination address
 * @sa: handle of the inbound SA that it was decrypted by, or 0
 * @ifindex: ingress device
 * @spi: of ESP, or ports
 * @more: ports of ESP in UDP, or the DSCP of what is not ESP
 * @vlan: VLAN id
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol
 * @kind: enum xfrm_xdp_flow_kind
 */
struct xfrm_xdp_sought {
	const __be32 *saddr;
	const __be32 *daddr;
	u64 sa;
	u32 ifindex;
	__be32 spi;
	u32 more;
	u16 vlan;
	u8 family;
	u8 proto;
	u8 kind;
};

struct xfrm_xdp_flow *xfrm_xdp_flow_find(struct xfrm_xdp_net *xn,
					 const struct xfrm_xdp_flow_id *id);
struct xfrm_xdp_flow *xfrm_xdp_flow_seek(struct xfrm_xdp_net *xn,
					 const struct xfrm_xdp_sought *sought);
int xfrm_xdp_table_insert(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
void xfrm_xdp_table_remove(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
u64 xfrm_xdp_table_bytes(struct xfrm_xdp_net *xn);
int xfrm_xdp_table_init(struct xfrm_xdp_net *xn);
void xfrm_xdp_table_free(struct xfrm_xdp_net *xn);
void __init xfrm_xdp_table_keys(void);

/* xfrm_xdp_slots.c: handles */

/* A handle: index in the low bits, the part above it, the generation above that. */
#define XFRM_XDP_INDEX_BITS	23
#define XFRM_XDP_HANDLE_SA	BIT(XFRM_XDP_INDEX_BITS)
#define XFRM_XDP_SLOT_BITS	(XFRM_XDP_INDEX_BITS + 1)

struct xfrm_xdp_flow *xfrm_xdp_slots_victim(struct xfrm_xdp_net *xn);
bool xfrm_xdp_slots_over(const struct xfrm_xdp_net *xn);
int xfrm_xdp_slots_reserve(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
void xfrm_xdp_slots_put(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow);
void xfrm_xdp_slots_take(struct xfrm_xdp_net *xn, const struct xfrm_xdp_flow *flow);
void xfrm_xdp_slots_walk(struct xfrm_xdp_net *xn,
			 void (*visit)(struct xfrm_xdp_net *xn, struct xfrm_xdp_flow *flow));
void xfrm_xdp_slots_usage(const struct xfrm_xdp_net *xn, struct xfrm_xdp_usage *usage);
void xfrm_xdp_slots_init(struct xfrm_xdp_net *xn);
void xfrm_xdp_slots_free(struct xfrm_xdp_net *xn);
void __init xfrm_xdp_slots_start(void);

#endif /* _XFRM_XDP_FLOW_H */
