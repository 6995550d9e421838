/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface of the xfrm_xdp kfuncs: one definition of every constant and
 * structure that the kernel module, the BPF programs and userspace share.
 *
 * Includers bring the fixed-width types: <linux/types.h> in the kernel and in
 * userspace, vmlinux.h in BPF programs. As with all kfuncs, this interface is
 * not stable; both sides check sizes.
 */
#ifndef _XFRM_XDP_KFUNC_H
#define _XFRM_XDP_KFUNC_H

/* Of module and command alike. */
#define XFRM_XDP_VERSION	"0.1.0"

/* As many as there may ever be: flows, and what is known of SAs in up to three entries. */
#define XFRM_XDP_FLOWS_MAX	4194304U
#define XFRM_XDP_SAS_MAX	131072U

/**
 * enum xfrm_xdp_verdict - the four results of a transform kfunc
 * @XFRM_XDP_PUNT: nothing was changed, neither packet nor SA, unless
 *	bpf_xdp_xfrm_forward() says @sa; return XDP_PASS and the stack does it right,
 *	errors included
 * @XFRM_XDP_DONE: the packet was transformed; opts say what and where to
 * @XFRM_XDP_DROP: the stack would have dropped it too and the same counters
 *	say so; return XDP_DROP
 * @XFRM_XDP_TAKEN: the module owns a copy of the packet and finishes it later;
 *	return XDP_DROP, nothing is lost
 */
enum xfrm_xdp_verdict {
	XFRM_XDP_PUNT,
	XFRM_XDP_DONE,
	XFRM_XDP_DROP,
	XFRM_XDP_TAKEN,
};

/*
 * What happened to a packet or a flow, and the counter of it. Each line is
 * X(enumerator, counter's name in /proc/net/xfrm_xdp_stat, what it means).
 * The groups are in the order of enum xfrm_xdp_verdict, learning and restoring
 * come last; a new reason goes to the end of its group.
 */
#define XFRM_XDP_REASONS_DONE(X)					\
	X(INPUT_DONE, "InputDone", "decrypted in XDP")			\
	X(OUTPUT_DONE, "OutputDone", "encrypted in XDP")		\
	X(FORWARD_DONE, "ForwardDone", "forwarded in the clear in XDP")	\
	X(INPUT_TAKEN, "InputTaken", "decryption finishes later in the crypto layer")	\
	X(OUTPUT_TAKEN, "OutputTaken", "encryption finishes later in the crypto layer")

#define XFRM_XDP_REASONS_PUNT(X)					\
	X(PUNT_OPTS, "PuntOpts", "the program called the kfunc with bad options")	\
	X(PUNT_MULTIBUF, "PuntMultiBuf", "frame of more than one buffer")	\
	X(PUNT_NOT_HOST, "PuntNotHost", "destination MAC is not this device's")	\
	X(PUNT_NOT_IP, "PuntNotIp", "neither IPv4 nor IPv6")		\
	X(PUNT_VLAN, "PuntVlan", "VLAN tag not in the frame or without id, or device down")	\
	X(PUNT_IP_HEADER, "PuntIpHeader", "malformed or truncated IP header")	\
	X(PUNT_IP_OPTIONS, "PuntIpOptions", "IP options or extension headers")	\
	X(PUNT_FRAGMENT, "PuntFragment", "IP fragment")			\
	X(PUNT_TTL, "PuntTtl", "TTL or hop limit would reach zero")	\
	X(PUNT_MTU, "PuntMtu", "larger than the path takes")		\
	X(PUNT_TCP_END, "PuntTcpEnd", "TCP SYN, FIN or RST")		\
	X(PUNT_NO_FLOW, "PuntNoFlow", "the flow is gone")		\
	X(PUNT_FLOW_MISMATCH, "PuntFlowMismatch", "the packet is not of the flow named")	\
	X(PUNT_NO_PROOF, "PuntNoProof", "the flow needs a packet that was decrypted by its SA")	\
	X(PUNT_REVALIDATE, "PuntRevalidate", "this packet renews its flow through the stack")	\
	X(PUNT_STALE, "PuntStale", "the flow was not renewed in time")	\
	X(PUNT_POLICY, "PuntPolicy", "the security policy changed since the flow was learned")	\
	X(PUNT_DST, "PuntDst", "the route or SA bundle is no longer valid")	\
	X(PUNT_NEIGH, "PuntNeigh", "the next hop's link-layer address is not known")	\
	X(PUNT_EGRESS, "PuntEgress", "the egress device is down or takes no XDP frames")	\
	X(PUNT_EGRESS_HOOK, "PuntEgressHook", "programs or rules at the egress of the device")	\
	X(PUNT_IFACE, "PuntIface", "the xfrm interface is down or has another if_id")	\
	X(PUNT_NOT_LEAVING, "PuntNotLeaving", "the stack has not sent ESP of the SA lately")	\
	X(PUNT_GRO, "PuntGro", "generic XDP behind GRO, which may have merged packets")	\
	X(PUNT_ROOM, "PuntRoom", "no room in the frame for ESP")	\
	X(PUNT_METADATA, "PuntMetadata", "the driver has no room for metadata")	\
	X(PUNT_NO_RESTORE, "PuntNoRestore", "no tc program takes up what is decrypted there")	\
	X(PUNT_NO_FRAME, "PuntNoFrame", "all frames of this CPU are in the crypto layer")	\
	X(PUNT_ESP_SHORT, "PuntEspShort", "too short for ESP")		\
	X(PUNT_ENCAP, "PuntEncap", "not in UDP from where the SA says, or bad UDP")	\
	X(PUNT_SA_CPU, "PuntSaCpu", "SA of another CPU")		\
	X(PUNT_SA_KIND, "PuntSaKind", "mode, option or algorithm of the SA")	\
	X(PUNT_SA_STATE, "PuntSaState", "SA is not valid, or of the other direction")	\
	X(PUNT_SA_EXPIRED, "PuntSaExpired", "SA reached its hard lifetime")	\
	X(PUNT_SA_REPLAY, "PuntSaReplay", "sequence number is replayed or left of the window")	\
	X(PUNT_SA_OVERFLOW, "PuntSaOverflow", "the sequence number would overflow")	\
	X(PUNT_NOT_LEARNED, "PuntNotLearned", "no flow is known for it")	\
	X(PUNT_ROUTES, "PuntRoutes", "routes changed since the stack received ESP of the SA")	\
	X(PUNT_GENERIC, "PuntGeneric", "generic XDP, and the stack may have decrypted it")	\
	X(PUNT_ZERO_COPY, "PuntZeroCopy", "the frame is in memory of an AF_XDP socket")	\
	X(PUNT_CHECKSUM, "PuntChecksum", "generic XDP, and the checksum is left to hardware")	\
	X(PUNT_TCP_FLAGS, "PuntTcpFlags", "TCP with none of SYN, ACK, FIN and RST")

#define XFRM_XDP_REASONS_DROP(X)					\
	X(DROP_ICV, "DropIcv", "integrity check failed")		\
	X(DROP_TRAILER, "DropTrailer", "ESP trailer is malformed or a dummy packet")	\
	X(DROP_REPLAY, "DropReplay", "replayed while it was being decrypted")	\
	X(DROP_MODE, "DropMode", "inner protocol does not fit the SA's mode")	\
	X(DROP_STATE, "DropState", "SA died while the packet was in the crypto layer")	\
	X(DROP_CRYPTO, "DropCrypto", "the crypto layer refused")	\
	X(DROP_NOMEM, "DropNoMem", "no memory to finish a packet taken")

#define XFRM_XDP_REASONS_FLOW(X)					\
	X(LEARNED, "FlowLearned", "flow learned")			\
	X(RENEWED, "FlowRenewed", "flow renewed")			\
	X(RECLAIMED, "FlowReclaimed", "flow forgotten")			\
	X(EVICTED, "FlowEvicted", "flow forgotten to make room for a new one")	\
	X(LEARN_NOT_FORWARDED, "LearnNotForwarded", "not forwarded by this host")	\
	X(LEARN_PACKET, "LearnPacket", "a packet that the fast path would not take")	\
	X(LEARN_MARK, "LearnMark", "a mark that rules have set")	\
	X(LEARN_CHANGED, "LearnChanged", "rules changed it on its way")	\
	X(LEARN_CONNTRACK, "LearnConntrack", "NAT, conntrack helper or handshake")	\
	X(LEARN_ROUTE, "LearnRoute", "a route that the fast path does not take")	\
	X(LEARN_EGRESS, "LearnEgress", "the egress device takes no XDP frames")	\
	X(LEARN_SA_KIND, "LearnSaKind", "mode, option or algorithm of the SA")	\
	X(LEARN_FULL, "LearnFull", "too many SAs, or no memory")		\
	X(LEARN_UNHEARD, "LearnUnheard", "no ESP passed the rules that is as XDP knows it")	\
	X(RESTORED, "Restored", "sec_path restored from metadata")	\
	X(RESTORE_FORGED, "RestoreForged", "metadata without a valid proof")	\
	X(RESTORE_SA_GONE, "RestoreSaGone", "SA was removed between XDP and tc")	\
	X(RESTORE_NO_MEM, "RestoreNoMem", "no memory for the sec_path")		\
	X(LEARN_NEIGH, "LearnNeigh", "the next hop's link-layer address is not resolved yet")	\
	X(LEARN_HOOKS, "LearnHooks", "rules or programs stand outside the learner's hooks")

#define XFRM_XDP_REASONS(X)						\
	XFRM_XDP_REASONS_DONE(X)					\
	XFRM_XDP_REASONS_PUNT(X)					\
	XFRM_XDP_REASONS_DROP(X)					\
	XFRM_XDP_REASONS_FLOW(X)

enum xfrm_xdp_reason {
#define XFRM_XDP_REASON_ENUM(id, name, text) XFRM_XDP_R_##id,
	XFRM_XDP_REASONS(XFRM_XDP_REASON_ENUM)
#undef XFRM_XDP_REASON_ENUM
	XFRM_XDP_R_MAX,
};

/* Where ESP in UDP (RFC 3948) is looked for: the local port. */
#define XFRM_XDP_NATT_PORT	4500

/* SA flags that the fast path honours; SAs with others are punted. */
#define XFRM_XDP_SA_FLAGS						\
	(XFRM_STATE_NOECN | XFRM_STATE_DECAP_DSCP |			\
	 XFRM_STATE_NOPMTUDISC | XFRM_STATE_WILDRECV | XFRM_STATE_ICMP |	\
	 XFRM_STATE_AF_UNSPEC | XFRM_STATE_ALIGN4 | XFRM_STATE_ESN)
#define XFRM_XDP_SA_EXTRA_FLAGS						\
	(XFRM_SA_XFLAG_DONT_ENCAP_DSCP | XFRM_SA_XFLAG_OSEQ_MAY_WRAP)

/**
 * enum xfrm_xdp_flow_kind - what a handle in the flow map stands for
 * @XFRM_XDP_FLOW_FORWARD: an inner flow: forward, after ESP where the route says so
 * @XFRM_XDP_FLOW_SA: an inbound SA: decrypt
 * @XFRM_XDP_FLOW_LEAVING: the ESP packets of an outbound SA; this and those below are
 *	the kernel's own, never in the map
 * @XFRM_XDP_FLOW_DETOUR: an inner flow on its way to an xfrm interface
 * @XFRM_XDP_FLOW_ARRIVING: the ESP packets of an inbound SA of an xfrm interface
 */
enum xfrm_xdp_flow_kind {
	XFRM_XDP_FLOW_FORWARD = 1,
	XFRM_XDP_FLOW_SA,
	XFRM_XDP_FLOW_LEAVING,
	XFRM_XDP_FLOW_DETOUR,
	XFRM_XDP_FLOW_ARRIVING,
};

/**
 * struct xfrm_xdp_flow_key - key of the flow map; unused bytes are zero
 * @ifindex: ingress device, below its VLAN devices; the xfrm interface for what was
 *	decrypted by an SA of one
 * @vlan: VLAN id of the 802.1Q tag, 0 for untagged
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol or IPv6 next header
 * @saddr: source address; IPv4 in the first word
 * @daddr: destination address
 * @sport: source port; ICMP: the identifier of an echo, else 0
 * @dport: destination port; ICMP: type in the high, code in the low byte
 * @spi: of ESP, in place of the ports
 * @encap: of ESP in UDP: the ports, source first; of other ESP 0
 * @dscp: of all but ESP: TOS or traffic class without its ECN bits, for routes may
 *	depend on it
 * @sa: handle of the inbound SA the packet was decrypted by, 0 for none
 */
struct xfrm_xdp_flow_key {
	__u32 ifindex;
	__u16 vlan;
	__u8 family;
	__u8 proto;
	__be32 saddr[4];
	__be32 daddr[4];
	union {
		struct {
			__be16 sport;
			__be16 dport;
		};
		__be32 spi;
	};
	union {
		__be32 encap;
		__u8 dscp;
	};
	__u64 sa;
};

#define XFRM_XDP_DSCP_MASK	0xfc

/**
 * struct xfrm_xdp_flow_val - value of the flow map
 * @handle: of the kernel's flow object; never reused
 * @packets: that the fast path finished, as of when the stack last renewed the flow: what
 *	it is now bpf_xfrm_flow_counts() says
 * @bytes: of these, L2 header included, as they came in
 * @learned_ns: CLOCK_MONOTONIC when the entry was made
 * @out_ifindex: egress device, the VLAN device where it leaves tagged; of an SA its xfrm
 *	interface, or 0
 * @out_spi: SPI of the outbound SA, 0 where the flow leaves in the clear
 * @in_spi: SPI of the inbound SA, 0 where the flow came in the clear
 * @kind: enum xfrm_xdp_flow_kind
 */
struct xfrm_xdp_flow_val {
	__u64 handle;
	__u64 packets;
	__u64 bytes;
	__u64 learned_ns;
	__u32 out_ifindex;
	__be32 out_spi;
	__be32 in_spi;
	__u32 kind;
};

#define XFRM_XDP_COUNTS_MAX	1024

/**
 * struct bpf_xfrm_xdp_opts - options and results of the packet kfuncs
 * @error: -EINVAL where @opts__sz is not the structure's size, else 0
 * @reason: enum xfrm_xdp_reason of the result
 * @ifindex: of DONE only; by a forwarding flow: the device to redirect to; by an SA: the xfrm
 *	interface that the inner packet is received by, 0 for none
 * @flags: XFRM_XDP_OPTS_*
 * @sa: DONE by an SA: handle to put into the inner packet's flow key; of
 *	bpf_xdp_xfrm_forward(): what it was decrypted by, 0 for nothing
 * @spi: SPI of the SA that was used, 0 for none
 * @seq: low 32 bits of the ESP sequence number, host order
 */
struct bpf_xfrm_xdp_opts {
	__s32 error;
	__u32 reason;
	__u32 ifindex;
	__u32 flags;
	__u64 sa;
	__be32 spi;
	__u32 seq;
};

/* By bpf_xdp_xfrm_flow(): the handle is dead or the flow ended: delete it from the map. */
#define XFRM_XDP_OPTS_FORGET	0x1

/**
 * struct bpf_xfrm_flow_counts - what the fast path finished of some flows
 * @error: -EINVAL where @nr is too large, -EPERM where the caller may not ask, else 0
 * @nr: how many of @flow are asked for
 * @flow: of each its handle; result: packets and bytes as in struct xfrm_xdp_flow_val, and
 *	a handle of 0 where there is no such flow any more
 */
struct bpf_xfrm_flow_counts {
	__s32 error;
	__u32 nr;
	struct {
		__u64 handle;
		__u64 packets;
		__u64 bytes;
	} flow[XFRM_XDP_COUNTS_MAX];
};

/**
 * struct bpf_xfrm_learn_opts - options and results of bpf_xfrm_flow_learn()
 * @error: -EINVAL where @opts__sz is not the structure's size or @flags has a bit that
 *	is not known, else 0
 * @reason: enum xfrm_xdp_reason: LEARNED, RENEWED or why neither
 * @nr: how many of @flow are filled in
 * @flags: of the caller: XFRM_XDP_LEARN_*
 * @flow: entries for the flow map: the flow, and the SA it came by
 */
struct bpf_xfrm_learn_opts {
	__s32 error;
	__u32 reason;
	__u32 nr;
	__u32 flags;
	struct xfrm_xdp_flow_entry {
		struct xfrm_xdp_flow_key key;
		struct xfrm_xdp_flow_val val;
	} flow[2];
};

/* Learn flows that neither come by an SA nor leave by one, too. */
#define XFRM_XDP_LEARN_PLAIN	0x1

/**
 * struct xfrm_xdp_meta - what stands in front of a decrypted packet in the stack
 * @magic: XFRM_XDP_META_MAGIC
 * @pad: zero
 * @sa: handle of the inbound SA
 * @proof: siphash, under a key that never leaves the kernel, of @sa and the
 *	inner flow tuple; equal for the packets of a flow, so GRO merges them
 * @room: zero; where GRO puts a jumbo payload option into what it has merged, it moves the
 *	headers to the left over these bytes
 */
struct xfrm_xdp_meta {
	__u32 magic;
	__u32 pad;
	__u64 sa;
	__u64 proof;
	__u64 room;
};

#define XFRM_XDP_META_MAGIC	0x58465250U	/* "XFRP" */

#endif /* _XFRM_XDP_KFUNC_H */
