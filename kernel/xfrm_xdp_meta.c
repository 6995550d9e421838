// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata between XDP and the tc ingress hook. A packet that was decrypted in
 * XDP goes up the stack with the identity of its SA in front of it, and with a
 * proof: a keyed hash of SA and inner tuple that only the kernel can make. Bytes
 * that merely look like it do not pass for decryption. The proof is the same
 * for all packets of a flow, so GRO still merges them.
 */

#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include "xfrm_xdp.h"

static siphash_aligned_key_t xfrm_xdp_meta_key __ro_after_init;

/**
 * xfrm_xdp_meta_proof() - keyed hash of a tuple
 * @key: the tuple, every byte of it
 *
 * Context: any.
 */
u64 xfrm_xdp_meta_proof(const struct xfrm_xdp_flow_key *key)
{
	BUILD_BUG_ON(sizeof(*key) % sizeof(u64));
	return siphash(key, sizeof(*key), &xfrm_xdp_meta_key);
}

DEFINE_PER_CPU(struct xfrm_xdp_decrypted, xfrm_xdp_decrypted);

/* In front of the frame, where input left room. */
static void xfrm_xdp_meta_put(struct xdp_buff *xdp, u64 sa, u64 proof)
{
	struct xfrm_xdp_meta *meta = xdp->data - sizeof(*meta);

	DEBUG_NET_WARN_ON_ONCE((void *)meta < xfrm_xdp_frame_low(xdp));
	meta->magic = XFRM_XDP_META_MAGIC;
	meta->pad = 0;
	meta->sa = sa;
	meta->proof = proof;
	meta->room = 0;
	xdp->data_meta = meta;
}

/* The tuple to prove; all zero for what the fast path does not parse. */
static void xfrm_xdp_meta_key_of(struct xfrm_xdp_flow_key *key, int reason,
				 const struct xfrm_xdp_pkt *pkt, u32 ifindex, u64 sa)
{
	if (!reason) {
		xfrm_xdp_pkt_key(key, pkt, ifindex, sa);
		return;
	}
	memset(key, 0, sizeof(*key));
	key->ifindex = ifindex;
	key->vlan = pkt->vlan;
	key->sa = sa;
}

/* Of a frame. */
static void xfrm_xdp_meta_frame_key(struct xfrm_xdp_flow_key *key, const struct xdp_buff *xdp,
				    u64 sa)
{
	struct xfrm_xdp_pkt pkt;
	int reason = xfrm_xdp_parse_frame(&pkt, xdp);

	xfrm_xdp_meta_key_of(key, reason, &pkt, xdp->rxq->dev->ifindex, sa);
}

/**
 * xfrm_xdp_meta_decrypted() - note that a frame has just been decrypted
 * @xdp: the frame; input left room in front of it
 * @sa: handle of the SA
 * @ifindex: device that the inner packet is received by
 * @len: of the outer IP packet in bytes
 *
 * The metadata proves nothing yet: bpf_skb_xfrm_restore() takes it for forged.
 *
 * Context: XDP.
 */
void xfrm_xdp_meta_decrypted(struct xdp_buff *xdp, u64 sa, u32 ifindex, unsigned int len)
{
	struct xfrm_xdp_decrypted *last = this_cpu_ptr(&xfrm_xdp_decrypted);

	last->data = xdp->data;
	last->sa = sa;
	last->ifindex = ifindex;
	last->len = len;
	xfrm_xdp_meta_frame_key(&last->inner, xdp, sa);
	xfrm_xdp_meta_put(xdp, sa, ++last->nonce);
}

/**
 * xfrm_xdp_meta_true() - was the frame decrypted by the SA that its metadata name?
 * @xdp: frame with as many bytes of metadata as ours are
 *
 * Context: XDP.
 */
bool xfrm_xdp_meta_true(const struct xdp_buff *xdp)
{
	const struct xfrm_xdp_meta *meta = xdp->data_meta;
	struct xfrm_xdp_flow_key key;

	if (meta->magic != XFRM_XDP_META_MAGIC)
		return false;
	if (xfrm_xdp_meta_sa(xdp))
		return true;
	xfrm_xdp_meta_frame_key(&key, xdp, meta->sa);
	return meta->proof == xfrm_xdp_meta_proof(&key);
}

/**
 * xfrm_xdp_meta_prove() - say which SA a frame was decrypted by, and prove it
 * @xdp: the frame; input left room in front of it
 * @sa: handle of the SA
 *
 * Context: XDP.
 */
void xfrm_xdp_meta_prove(struct xdp_buff *xdp, u64 sa)
{
	struct xfrm_xdp_flow_key key;

	xfrm_xdp_meta_frame_key(&key, xdp, sa);
	xfrm_xdp_meta_put(xdp, sa, xfrm_xdp_meta_proof(&key));
	xfrm_xdp_uptake_wanted(xdp->rxq->dev, sa);
}

/**
 * xfrm_xdp_meta_store() - the same of the frame that was decrypted last
 * @xdp: frame that has just been decrypted
 * @opts: result: @sa
 *
 * The proof is of the tuple that was decrypted: where the program has written another into the
 * frame, bpf_skb_xfrm_restore() takes it for forged.
 *
 * Context: XDP.
 * Return: 0, or -ENOENT where it is not that frame.
 */
int xfrm_xdp_meta_store(struct xdp_buff *xdp, struct bpf_xfrm_xdp_opts *opts)
{
	u64 sa = xfrm_xdp_meta_sa(xdp);

	if (!sa)
		return -ENOENT;
	xfrm_xdp_meta_forget();
	xfrm_xdp_meta_put(xdp, sa,
			  xfrm_xdp_meta_proof(&this_cpu_ptr(&xfrm_xdp_decrypted)->inner));
	xfrm_xdp_uptake_wanted(xdp->rxq->dev, sa);
	opts->sa = sa;
	return 0;
}

static const struct xfrm_xdp_meta *xfrm_xdp_meta_of(const struct sk_buff *skb)
{
	const struct xfrm_xdp_meta *meta;
	const u8 *end;

	if (!skb_mac_header_was_set(skb) || skb_metadata_len(skb) != sizeof(*meta))
		return NULL;
	end = skb_metadata_end(skb);
	/* ipv6_gro_complete(): the headers have moved, and what is in front of them has not. */
	if (unlikely(ipv6_has_hopopt_jumbo(skb)))
		end += sizeof(struct hop_jumbo_hdr);
	BUILD_BUG_ON(sizeof(meta->room) < sizeof(struct hop_jumbo_hdr));
	meta = (const void *)(end - sizeof(*meta));
	return meta->magic == XFRM_XDP_META_MAGIC ? meta : NULL;
}

/* The tag, where there is one, has been taken out of the frame by now. */
static int xfrm_xdp_meta_parse(struct xfrm_xdp_pkt *pkt, u8 *headers, const struct sk_buff *skb)
{
	pkt->vlan = skb_vlan_tag_present(skb) ? skb_vlan_tag_get_id(skb) : 0;
	return xfrm_xdp_parse_skb(pkt, headers, skb);
}

/* In a field of the sec_path that means nothing without offload (olen is 0). */
#define XFRM_XDP_WAS_FAST	0x58445058

/**
 * xfrm_xdp_meta_secpath() - a packet was decrypted by an SA on the fast path
 * @skb: the packet; gets the SA's mark, too
 * @x: the SA
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: 0; -ENOMEM, -ENOBUFS where the sec_path is full, -ESTALE where the SA is on
 * its way out.
 */
int xfrm_xdp_meta_secpath(struct sk_buff *skb, struct xfrm_state *x)
{
	struct sec_path *sp = secpath_set(skb);

	if (!sp)
		return -ENOMEM;
	if (sp->len == XFRM_MAX_DEPTH)
		return -ENOBUFS;
	if (!refcount_inc_not_zero(&x->refcnt))
		return -ESTALE;
	sp->xvec[sp->len++] = x;
	sp->olen = 0;
	sp->ovec[0].status = XFRM_XDP_WAS_FAST;
	skb->mark = xfrm_smark_get(skb->mark, x);
	return 0;
}

/**
 * xfrm_xdp_meta_checksum() - what is known of the checksum of a decrypted packet
 * @x: the SA
 *
 * A NAT changed the addresses that it covers: esp_input_done2() has it ignored.
 *
 * Context: any.
 * Return: for &sk_buff.ip_summed.
 */
u8 xfrm_xdp_meta_checksum(const struct xfrm_state *x)
{
	return x->encap && x->props.mode == XFRM_MODE_TRANSPORT ? CHECKSUM_UNNECESSARY :
								  CHECKSUM_NONE;
}

/**
 * xfrm_xdp_meta_was_fast() - was it decrypted on the fast path?
 * @sp: of a packet in the stack
 *
 * Such a packet tells nothing about the way of the ESP packet through the stack.
 *
 * Context: any.
 */
bool xfrm_xdp_meta_was_fast(const struct sec_path *sp)
{
	return sp->ovec[0].status == XFRM_XDP_WAS_FAST;
}

/*
 * To the xfrm interface goes another sk_buff: a tc program cannot give its packet away. The
 * program may still write to the packet's head, by pointers that it has had before, and the
 * interface's packet may be looked at by another CPU by then: so it has a head of its own. The
 * fragments they share nobody writes to: helpers pull what they change into the head. The packet
 * itself is dropped.
 */
static int xfrm_xdp_meta_iface(struct sk_buff *skb, const struct xfrm_xdp_flow *flow)
{
	struct sk_buff *copy = pskb_copy(skb, GFP_ATOMIC);
	int err;

	if (!copy)
		return -ENOMEM;
	err = xfrm_xdp_meta_secpath(copy, flow->x);
	if (err) {
		kfree_skb(copy);
		return err;
	}
	__skb_pull(copy, skb_network_offset(copy));
	__vlan_hwaccel_clear_tag(copy);
	if (flow->in)
		xfrm_xdp_vlan_rx(flow->in, copy->len);
	xfrm_xdp_iface_rx(copy, flow->out);
	return 2;
}

/**
 * xfrm_xdp_meta_restore() - turn metadata into a sec_path
 * @skb: packet at the tc ingress hook, GRO may have merged it
 * @opts: result: @reason, @sa and @spi
 *
 * From then on inbound policy, xfrm interfaces and nft's secpath see the packet
 * as if xfrm_input() had decrypted it.
 *
 * Context: softirq, or BH off; RCU read side.
 * Return: 1 restored, 2 restored in a copy that an xfrm interface has received, drop
 * the packet; 0 no metadata of ours; -EPERM where the proof is wrong,
 * -ESTALE where the SA is gone, -ENOMEM or -ENOBUFS: drop the packet, for
 * without its sec_path it would pass for plaintext.
 */
int xfrm_xdp_meta_restore(struct sk_buff *skb, struct bpf_xfrm_xdp_opts *opts)
{
	const struct xfrm_xdp_meta *meta = xfrm_xdp_meta_of(skb);
	struct net *net = dev_net(skb->dev);
	u8 headers[XFRM_XDP_HEADERS];
	struct xfrm_xdp_flow_key key;
	struct xfrm_xdp_flow *flow;
	struct xfrm_xdp_pkt pkt;
	int err;

	xfrm_xdp_uptake_seen(skb);
	/* What completed late has got its sec_path from xfrm_xdp_input_done(). */
	if (!meta || secpath_exists(skb))
		return 0;

	opts->reason = XFRM_XDP_R_RESTORE_FORGED;
	xfrm_xdp_meta_key_of(&key, xfrm_xdp_meta_parse(&pkt, headers, skb), &pkt,
			     skb->dev->ifindex, meta->sa);
	err = -EPERM;
	if (meta->proof != xfrm_xdp_meta_proof(&key))
		goto count;

	opts->reason = XFRM_XDP_R_RESTORE_SA_GONE;
	flow = xfrm_xdp_flow_get(xfrm_xdp_net(net), meta->sa);
	err = -ESTALE;
	if (!flow || flow->kind != XFRM_XDP_FLOW_SA)
		goto count;
	/* Where the packet goes on to, metadata of ours would pass for forged. */
	skb_metadata_clear(skb);
	/* The driver's word was about the outer packet. */
	if (!skb_is_gso(skb) && skb->ip_summed != CHECKSUM_PARTIAL)
		skb->ip_summed = xfrm_xdp_meta_checksum(flow->x);
	err = flow->out ? xfrm_xdp_meta_iface(skb, flow) :
			  xfrm_xdp_meta_secpath(skb, flow->x) ?: 1;
	if (err == -ENOMEM || err == -ENOBUFS)
		opts->reason = XFRM_XDP_R_RESTORE_NO_MEM;
	if (err < 0)
		goto count;
	xfrm_xdp_uptake_done(skb->dev);
	opts->reason = XFRM_XDP_R_RESTORED;
	opts->sa = flow->handle;
	opts->spi = flow->x->id.spi;
count:
	xfrm_xdp_count(net, opts->reason);
	return err;
}

void __init xfrm_xdp_meta_init(void)
{
	int cpu;

	get_random_bytes(&xfrm_xdp_meta_key, sizeof(xfrm_xdp_meta_key));
	for_each_possible_cpu(cpu)
		per_cpu(xfrm_xdp_decrypted, cpu).nonce = get_random_u64();
}
