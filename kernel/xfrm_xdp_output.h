/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet out through one SA: xfrm_output_one() with esp_output(), on an XDP
 * frame. Until the SA's lock is taken nothing is changed and everything may still be
 * punted; from xfrm_xdp_output_commit() on nothing may. Inline, for every packet that is
 * encrypted along its flow.
 */
#ifndef _XFRM_XDP_OUTPUT_H
#define _XFRM_XDP_OUTPUT_H

#include <net/ip.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_checksum.h"
#include "xfrm_xdp_esp.h"
#include "xfrm_xdp_outer.h"
#include "xfrm_xdp_replay.h"

void xfrm_xdp_output_done(struct xfrm_xdp_frame *f, int err);

/* esp_output(): bytes of padding that hide how long the payload is. */
static __always_inline unsigned int xfrm_xdp_output_tfc(struct xfrm_state *x,
							unsigned int len, u32 mtu)
{
	u32 padto;

	if (likely(!x->tfcpad))
		return 0;
	padto = min(x->tfcpad, xfrm_state_mtu(x, mtu));
	return len < padto ? padto - len : 0;
}

/* May it go by this SA here? Find room in the XDP frame: in front of it, behind it, or both. */
static __always_inline int
xfrm_xdp_output_layout(struct xfrm_xdp_layout *l, const struct xdp_buff *xdp,
		       struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt,
		       const struct xfrm_xdp_outer *outer)
{
	struct crypto_aead *aead = x->data;
	u8 *low = xfrm_xdp_frame_low(xdp);
	bool generic = xfrm_xdp_is_generic(xdp);
	u8 *high = xdp_data_hard_end(xdp);

	/* What was merged has a checksum that nobody computed, and is not as it came. */
	if (unlikely(generic) && xdp->rxq->dev->features & NETIF_F_GRO)
		return XFRM_XDP_R_PUNT_GRO;
	/* The stack has another one for a packet of this CPU. */
	if (unlikely(x->pcpu_num != UINT_MAX && x->pcpu_num != smp_processor_id()))
		return XFRM_XDP_R_PUNT_SA_CPU;
	if (!xfrm_xdp_outer_payload(l, x, pkt))
		return XFRM_XDP_R_PUNT_FLOW_MISMATCH;
	l->mac_len = outer->dev ? xfrm_xdp_mac_len(outer->dev) : pkt->mac_len;
	l->ivlen = crypto_aead_ivsize(aead);
	l->tfclen = xfrm_xdp_output_tfc(x, l->len, outer->mtu);
	l->clen = xfrm_xdp_esp_clen(x, l->len + l->tfclen);
	l->hlen = l->mac_len + l->iphlen + l->encap + sizeof(struct ip_esp_hdr) + l->ivlen;
	l->total = l->hlen + l->clen + crypto_aead_authsize(aead);

	if (l->total - l->mac_len > outer->mtu)
		return XFRM_XDP_R_PUNT_MTU;
	if (l->total > high - low || l->total > XFRM_XDP_FRAME_DATA)
		return XFRM_XDP_R_PUNT_ROOM;

	/* In place if it fits; else as far back as the trailer needs. */
	l->start = l->payload - l->hlen;
	if (l->start + l->total > high)
		l->start = high - l->total;
	/* See xfrm_xdp_generic_frame(). */
	if (unlikely(generic))
		l->start = (u8 *)xdp->data_end - l->total;
	if (l->start < low)
		l->start = low;
	return XFRM_XDP_OK;
}

/* All headers before ESP. */
static __always_inline unsigned int xfrm_xdp_output_hdr_len(const struct xfrm_xdp_layout *l)
{
	return l->hlen - l->ivlen - sizeof(struct ip_esp_hdr);
}

/* What the ESP packet takes from headers that it may be written over. */
static __always_inline void
xfrm_xdp_output_keep(struct xfrm_xdp_frame *f, const struct xdp_buff *xdp,
		     const struct xfrm_xdp_pkt *pkt, const struct xfrm_xdp_outer *outer,
		     const struct xfrm_xdp_layout *l)
{
	if (unlikely(!outer->dev))
		xfrm_xdp_mac_copy(f->mac, xdp->data, l->mac_len);
	if (unlikely(l->payload != pkt->l3))
		memcpy(f->ip, pkt->l3, pkt->hlen);
}

/* All headers before ESP, from @mac on; @inner: the IP header of the inner packet. */
static __always_inline void
xfrm_xdp_output_headers(const struct xfrm_xdp_frame *f, u8 *mac, const u8 *inner,
			const struct xfrm_xdp_pkt *pkt, const struct xfrm_xdp_outer *outer,
			const struct xfrm_xdp_layout *l)
{
	u8 family = f->x->props.family;

	if (likely(outer->dev)) {
		xfrm_xdp_mac_header(mac, outer->dev, outer->hop.word, family);
	} else {
		xfrm_xdp_mac_copy(mac, f->mac, l->mac_len);
		xfrm_xdp_mac_type(mac, l->mac_len, family);
	}
	/* Most often, and so inline. */
	if (likely(l->iphlen == sizeof(struct iphdr) && !l->encap && l->payload == pkt->l3))
		xfrm_xdp_tunnel_ip4((struct iphdr *)(mac + l->mac_len), f->x, inner, pkt,
				    outer, l);
	else
		xfrm_xdp_outer_header(mac + l->mac_len, f, inner, pkt, outer, l);
}

/* Under x->lock, for the key manager changes ports; as esp_output_encap(). */
static __always_inline void xfrm_xdp_output_ports(struct xfrm_xdp_frame *f)
{
	const struct xfrm_encap_tmpl *encap = f->x->encap;

	f->ports[0] = encap->encap_sport;
	f->ports[1] = encap->encap_dport;
}

/* For a transform that may complete later. */
static __always_inline bool
xfrm_xdp_output_hold(struct xfrm_xdp_frame *f, const struct xdp_buff *xdp,
		     const struct xfrm_xdp_outer *outer, const struct xfrm_xdp_layout *l)
{
	f->dev = outer->dev ? xfrm_xdp_vlan_real(outer->dev) : xdp->rxq->dev;
	f->iface = NULL;
	f->routed = !outer->dev;
	f->mac_len = l->mac_len;
	f->hdr_len = xfrm_xdp_output_hdr_len(l);
	f->family = f->x->props.family;
	f->done = xfrm_xdp_output_done;
	return xfrm_xdp_frame_hold(f);
}

/* Take a sequence number and account for the packet, or say why not. */
static __always_inline int xfrm_xdp_output_commit(struct xfrm_xdp_frame *f, unsigned int len)
{
	struct xfrm_state *x = f->x;
	int reason;
	u64 seq;

	spin_lock(&x->lock);
	reason = XFRM_XDP_R_PUNT_SA_STATE;
	if (unlikely(x->km.state != XFRM_STATE_VALID))
		goto unlock;
	reason = XFRM_XDP_R_PUNT_SA_EXPIRED;
	if (unlikely(xfrm_xdp_sa_hard_limit(x)))
		goto unlock;
	reason = XFRM_XDP_R_PUNT_SA_OVERFLOW;
	if (unlikely(!xfrm_xdp_replay_next(x, &seq)))
		goto unlock;
	reason = XFRM_XDP_OK;
	xfrm_xdp_sa_used(x);
	xfrm_xdp_replay_notify(x);
	x->curlft.bytes += len;
	x->curlft.packets++;
	x->lastused = ktime_get_real_seconds();
	f->seq = htonl(lower_32_bits(seq));
	f->seq_hi = htonl(upper_32_bits(seq));
	if (unlikely(x->encap))
		xfrm_xdp_output_ports(f);
unlock:
	spin_unlock(&x->lock);
	return reason;
}

/* The ciphertext is there. */
static __always_inline void xfrm_xdp_output_finish(struct xfrm_xdp_frame *f)
{
	xfrm_xdp_esp_restore(f);
	if (unlikely(f->x->encap))
		xfrm_xdp_outer_checksum((struct udphdr *)f->esph - 1, f->x->props.family);
}

/* The packet where the transform will work on it, with all headers and its trailer: a copy? */
static __always_inline void
xfrm_xdp_output_place(struct xfrm_xdp_frame *f, bool copy, const struct xfrm_xdp_pkt *pkt,
		      const struct xfrm_xdp_outer *outer, const struct xfrm_xdp_layout *l)
{
	u8 *start = copy ? f->page + XFRM_XDP_FRAME_ROOM : l->start;
	u8 *payload = start + l->hlen;
	struct ip_esp_hdr *esph;
	const u8 *inner = f->ip;

	/* A copy may be faster than a move. */
	if (copy)
		memcpy(payload, l->payload, l->len);
	else if (payload < l->payload)
		xfrm_xdp_move_down(payload, l->payload, l->len);
	else if (unlikely(payload > l->payload))
		memmove(payload, l->payload, l->len);
	if (likely(l->payload == pkt->l3)) {
		inner = payload;
		if (outer->forward)
			xfrm_xdp_decrease_ttl(payload, pkt->family);
	}
	xfrm_xdp_esp_trailer(payload + l->len, l->tfclen, l->clen - l->len - l->tfclen - 2,
			     l->proto);

	f->esph = start + xfrm_xdp_output_hdr_len(l);
	f->len = l->total - xfrm_xdp_output_hdr_len(l);
	esph = (struct ip_esp_hdr *)f->esph;
	esph->spi = f->x->id.spi;
	esph->seq_no = f->seq;
	xfrm_xdp_output_headers(f, start, inner, pkt, outer, l);
}

static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_output_fail(struct xfrm_xdp_frame *f, struct bpf_xfrm_xdp_opts *opts)
{
	XFRM_INC_STATS(xs_net(f->x), LINUX_MIB_XFRMOUTSTATEPROTOERROR);
	opts->reason = XFRM_XDP_R_DROP_CRYPTO;
	return XFRM_XDP_DROP;
}

/* Encrypted where the packet is, by a transform that has completed. */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_output_inplace(struct xfrm_xdp_frame *f, int err, struct bpf_xfrm_xdp_opts *opts)
{
	if (unlikely(err)) {
		xfrm_xdp_esp_restore(f);
		return xfrm_xdp_output_fail(f, opts);
	}
	xfrm_xdp_output_finish(f);
	opts->reason = XFRM_XDP_R_OUTPUT_DONE;
	return XFRM_XDP_DONE;
}

/* In the frame's page, by one that may not have: copy back what completed. */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_output_copied(struct xfrm_xdp_frame *f, struct xfrm_state *x, int err,
		       const struct xfrm_xdp_layout *l, struct bpf_xfrm_xdp_opts *opts)
{
	enum xfrm_xdp_verdict verdict = XFRM_XDP_DONE;

	if (err == -EINPROGRESS) {
		/* From here on @f belongs to its completion. */
		xfrm_xdp_frame_taken(x);
		opts->reason = XFRM_XDP_R_OUTPUT_TAKEN;
		return XFRM_XDP_TAKEN;
	}
	if (likely(!err)) {
		xfrm_xdp_output_finish(f);
		memcpy(l->start, f->esph - xfrm_xdp_output_hdr_len(l), l->total);
		opts->reason = XFRM_XDP_R_OUTPUT_DONE;
	} else {
		verdict = xfrm_xdp_output_fail(f, opts);
	}
	xfrm_xdp_frame_release(f);
	return verdict;
}

/* xfrm_xdp_output() */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_output_packet(struct xdp_buff *xdp, struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt,
		       const struct xfrm_xdp_outer *outer, struct bpf_xfrm_xdp_opts *opts)
{
	bool copy = xfrm_xdp_must_copy(x);
	enum xfrm_xdp_verdict verdict;
	struct xfrm_xdp_layout l __uninitialized;
	struct xfrm_xdp_frame *f;
	int reason;
	int err;

	f = xfrm_xdp_frame_get();
	reason = f ? xfrm_xdp_output_layout(&l, xdp, x, pkt, outer) :
		     XFRM_XDP_R_PUNT_NO_FRAME;
	if (unlikely(reason))
		goto punt;

	f->x = x;
	xfrm_xdp_output_keep(f, xdp, pkt, outer, &l);
	if (copy && !xfrm_xdp_output_hold(f, xdp, outer, &l)) {
		reason = XFRM_XDP_R_PUNT_SA_STATE;
		goto punt;
	}
	reason = xfrm_xdp_output_commit(f, l.len);
	if (unlikely(reason)) {
		if (copy)
			xfrm_xdp_frame_release(f);
		goto punt;
	}

	opts->spi = x->id.spi;
	opts->seq = ntohl(f->seq);
	/* Not before: what is punted goes up the stack, and is finished there. */
	if (unlikely(outer->partial))
		xfrm_xdp_checksum_finish(pkt);
	xfrm_xdp_output_place(f, copy, pkt, outer, &l);
	err = xfrm_xdp_esp_encrypt(f);
	verdict = copy ? xfrm_xdp_output_copied(f, x, err, &l, opts) :
			 xfrm_xdp_output_inplace(f, err, opts);
	if (outer->dev && verdict != XFRM_XDP_DROP)
		xfrm_xdp_vlan_tx(outer->dev, ETH_HLEN + l.total - l.mac_len);
	if (verdict == XFRM_XDP_DONE)
		xfrm_xdp_set_frame(xdp, l.start, l.start + l.total);
	return verdict;
punt:
	opts->reason = reason;
	return XFRM_XDP_PUNT;
}

#endif /* _XFRM_XDP_OUTPUT_H */
