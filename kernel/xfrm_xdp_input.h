/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet in through one SA: the order of xfrm_input() with esp_input(), on an
 * XDP frame. What fails before the transform is punted, for then the stack ends it
 * with its own counters and audit records; what fails after it is dropped with the
 * same. Inline, for every packet that is decrypted along its flow.
 */
#ifndef _XFRM_XDP_INPUT_H
#define _XFRM_XDP_INPUT_H

#include <linux/netdevice.h>
#include <net/ip.h>
#include "xfrm_xdp.h"
#include "xfrm_xdp_esp.h"
#include "xfrm_xdp_replay.h"

int xfrm_xdp_input_admit_slow(struct xfrm_xdp_frame *f);
bool xfrm_xdp_input_room(const struct xfrm_state *x, const struct xdp_buff *xdp,
			 unsigned int esp);
bool xfrm_xdp_input_encap_ok(const struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt);
void xfrm_xdp_input_done(struct xfrm_xdp_frame *f, int err);

/*
 * xfrm_xdp_input_admit_slow() without the lock, where there is a limit and the window is
 * passed: what it has found is true of a moment ago, as the stack's answer is when its
 * transform begins. The window is looked at again when the packet is accounted for.
 */
static __always_inline int xfrm_xdp_input_admit(struct xfrm_xdp_frame *f)
{
	const struct xfrm_state *x = f->x;

	/* Elsewhere 64 bits are read in two halves. */
	if (unlikely(!IS_ENABLED(CONFIG_64BIT) || READ_ONCE(x->km.state) != XFRM_STATE_VALID ||
		     !xfrm_xdp_replay_ahead(x, ntohl(f->seq)) || xfrm_xdp_sa_hard_limit(x) ||
		     xfrm_xdp_sa_expiring(x)))
		return xfrm_xdp_input_admit_slow(f);
	f->seq_hi = 0;
	return XFRM_XDP_OK;
}

/* The replay state may have moved while the packet was being decrypted. */
static __always_inline int xfrm_xdp_input_recheck(struct xfrm_xdp_frame *f)
{
	struct xfrm_state *x = f->x;
	enum xfrm_xdp_replay seen;

	if (x->repl_mode == XFRM_REPLAY_MODE_ESN &&
	    f->seq_hi != htonl(xfrm_replay_seqhi(x, f->seq))) {
		x->stats.replay_window++;
		return XFRM_XDP_R_DROP_REPLAY;
	}
	seen = xfrm_xdp_replay_check(x, f->seq);
	if (likely(seen == XFRM_XDP_REPLAY_NEW))
		return XFRM_XDP_OK;
	if (seen == XFRM_XDP_REPLAY_OLD)
		x->stats.replay_window++;
	else if (seen == XFRM_XDP_REPLAY_DUP)
		x->stats.replay++;
	xfrm_xdp_audit_replay(x, f);
	return XFRM_XDP_R_DROP_REPLAY;
}

/* esp_remove_trailer(): how much payload, and of what protocol, or nothing. */
static __always_inline int xfrm_xdp_input_trailer(const struct xfrm_xdp_frame *f,
						  struct xfrm_xdp_inner *inner)
{
	struct crypto_aead *aead = f->x->data;
	unsigned int alen = crypto_aead_authsize(aead);
	unsigned int hlen = sizeof(struct ip_esp_hdr) + crypto_aead_ivsize(aead);
	const u8 *tail = f->esph + f->len - alen - 2;
	unsigned int elen = f->len - hlen;

	if (tail[0] + 2 + alen >= elen || tail[1] == IPPROTO_NONE)
		return -EINVAL;
	inner->l3 = f->esph + hlen;
	inner->len = elen - alen - tail[0] - 2;
	return tail[1];
}

/* xfrm_input() from "resume" on, to the point where the SA's part ends. */
static __always_inline int xfrm_xdp_input_account(struct xfrm_xdp_frame *f, int err,
						  struct xfrm_xdp_inner *inner)
{
	struct xfrm_state *x = f->x;
	struct net *net = xs_net(x);
	int nexthdr = 0;
	int reason;

	if (likely(!err))
		nexthdr = xfrm_xdp_input_trailer(f, inner);

	spin_lock(&x->lock);
	if (unlikely(err || nexthdr < 0)) {
		if (err == -EBADMSG) {
			xfrm_xdp_audit_icvfail(x, f);
			x->stats.integrity_failed++;
		}
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEPROTOERROR);
		reason = err == -EBADMSG ? XFRM_XDP_R_DROP_ICV :
			 err ? XFRM_XDP_R_DROP_CRYPTO : XFRM_XDP_R_DROP_TRAILER;
		goto unlock;
	}
	reason = xfrm_xdp_input_recheck(f);
	if (unlikely(reason)) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATESEQERROR);
		goto unlock;
	}
	xfrm_xdp_replay_advance(x, f->seq);
	x->curlft.bytes += inner->len;
	x->curlft.packets++;
	x->lastused = ktime_get_real_seconds();
	inner->proto = nexthdr;
unlock:
	spin_unlock(&x->lock);
	return reason;
}

/* The xfrm interface counts what it receives, as xfrmi_rcv_cb() does. */
static __always_inline void xfrm_xdp_input_count(struct net_device *iface, unsigned int len,
						 bool ok)
{
	if (likely(!iface))
		return;
	if (ok) {
		dev_sw_netstats_rx_add(iface, len);
	} else {
		DEV_STATS_INC(iface, rx_errors);
		DEV_STATS_INC(iface, rx_dropped);
	}
}

/* All that follows the transform; the same for those that complete later. */
static __always_inline int xfrm_xdp_input_finish(struct xfrm_xdp_frame *f, int err,
						 struct xfrm_xdp_inner *inner)
{
	int reason;

	xfrm_xdp_esp_restore(f);
	reason = xfrm_xdp_input_account(f, err, inner);
	if (likely(!reason)) {
		/* Most often, and so inline. */
		reason = likely(f->x->props.mode == XFRM_MODE_TUNNEL &&
				inner->proto == IPPROTO_IPIP) ?
			 xfrm_xdp_inner_tunnel4(f, inner) : xfrm_xdp_inner_packet(f, inner);
		if (unlikely(reason))
			XFRM_INC_STATS(xs_net(f->x), LINUX_MIB_XFRMINSTATEMODEERROR);
	}
	xfrm_xdp_input_count(f->iface, reason ? 0 : inner->len, !reason);
	return reason;
}

/* The link-layer header moves up to the inner packet, with its EtherType. */
static __always_inline u8 *xfrm_xdp_input_mac(const struct xfrm_xdp_inner *inner,
					      const u8 *mac, unsigned int mac_len)
{
	u8 *start = inner->l3 - mac_len;

	xfrm_xdp_mac_copy(start, mac, mac_len);
	xfrm_xdp_mac_type(start, mac_len, inner->family);
	return start;
}

/* Bytes from the IP header to ESP, UDP header included. */
static __always_inline unsigned int xfrm_xdp_input_esp(const struct xfrm_state *x,
						       const struct xfrm_xdp_pkt *pkt)
{
	return pkt->hlen + (x->encap ? sizeof(struct udphdr) : 0);
}

/* Where the transform works on the packet, and what it needs to know of it; @esp: where ESP is. */
static __always_inline void xfrm_xdp_input_place(struct xfrm_xdp_frame *f, u8 *mac,
						 const struct xfrm_xdp_pkt *pkt,
						 unsigned int esp)
{
	/* The inner header may grow over it. */
	xfrm_xdp_mac_copy(f->mac, mac, pkt->mac_len);
	f->mac_len = pkt->mac_len;
	f->l3 = mac + pkt->mac_len;
	f->esph = f->l3 + esp;
	f->len = pkt->len - esp;
	f->family = pkt->family;
	f->tos = pkt->tos;
	f->ttl = pkt->ttl;
}

/* The frame's page, with a copy of the packet. */
static __always_inline u8 *xfrm_xdp_input_copy(struct xfrm_xdp_frame *f,
					       const struct xfrm_xdp_pkt *pkt)
{
	u8 *page = f->page + XFRM_XDP_FRAME_ROOM;

	memcpy(page, pkt->l3 - pkt->mac_len, pkt->mac_len + pkt->len);
	return page;
}

/* Decrypted there: back to where it came from. */
static __always_inline void xfrm_xdp_input_back(const struct xfrm_xdp_frame *f,
						const struct xfrm_xdp_pkt *pkt,
						struct xfrm_xdp_inner *inner)
{
	u8 *l3 = pkt->l3 + (inner->l3 - f->l3);

	memcpy(l3, inner->l3, inner->len);
	inner->l3 = l3;
}

/* Bytes in front of the frame that are not the driver's own. */
static __always_inline int xfrm_xdp_headroom(const struct xdp_buff *xdp)
{
	return xdp->data - xdp->data_hard_start - (int)sizeof(struct xdp_frame);
}

/*
 * An ESP header, an IV, a block and an ICV, in bytes. In UDP over IPv6 the stack takes
 * less than an IPv6 header for too small: __xfrm6_udp_encap_rcv().
 */
static __always_inline unsigned int xfrm_xdp_input_least(const struct xfrm_state *x)
{
	struct crypto_aead *aead = x->data;
	unsigned int least = sizeof(struct ip_esp_hdr) + crypto_aead_ivsize(aead) +
			     xfrm_xdp_esp_clen(x, 0) + crypto_aead_authsize(aead);

	return x->encap && x->props.family == AF_INET6 ?
	       max_t(unsigned int, least, sizeof(struct ipv6hdr)) : least;
}

/* Is it as long as it must be, and of this SA? */
static __always_inline int xfrm_xdp_input_check(const struct xfrm_state *x,
						const struct xdp_buff *xdp,
						const struct xfrm_xdp_pkt *pkt,
						unsigned int esp)
{
	const struct ip_esp_hdr *esph = (const void *)(pkt->l3 + esp);

	if (pkt->proto != (x->encap ? IPPROTO_UDP : IPPROTO_ESP))
		return XFRM_XDP_R_PUNT_ENCAP;
	if (pkt->len < esp + xfrm_xdp_input_least(x))
		return XFRM_XDP_R_PUNT_ESP_SHORT;
	if (esph->spi != x->id.spi || pkt->family != x->props.family)
		return XFRM_XDP_R_PUNT_FLOW_MISMATCH;
	if (x->encap && !xfrm_xdp_input_encap_ok(x, pkt))
		return XFRM_XDP_R_PUNT_ENCAP;
	if (pkt->mac_len + pkt->len > XFRM_XDP_FRAME_DATA)
		return XFRM_XDP_R_PUNT_ROOM;
	if (unlikely(xfrm_xdp_headroom(xdp) < (int)(sizeof(struct ipv6hdr) +
						    sizeof(struct xfrm_xdp_meta))) &&
	    !xfrm_xdp_input_room(x, xdp, esp))
		return XFRM_XDP_R_PUNT_ROOM;
	return XFRM_XDP_OK;
}

/* xfrm_xdp_input() */
static __always_inline enum xfrm_xdp_verdict
xfrm_xdp_input_packet(struct xdp_buff *xdp, struct xfrm_state *x, const struct xfrm_xdp_pkt *pkt,
		      struct net_device *iface, struct bpf_xfrm_xdp_opts *opts)
{
	struct xfrm_xdp_inner inner __uninitialized;
	unsigned int esp = xfrm_xdp_input_esp(x, pkt);
	bool copy = xfrm_xdp_must_copy(x);
	const struct ip_esp_hdr *esph;
	struct xfrm_xdp_frame *f;
	int reason;
	int err;

	f = xfrm_xdp_frame_get();
	reason = f ? xfrm_xdp_input_check(x, xdp, pkt, esp) : XFRM_XDP_R_PUNT_NO_FRAME;
	if (unlikely(reason))
		goto punt;

	f->x = x;
	f->dev = xdp->rxq->dev;
	f->iface = iface;
	esph = (const void *)(pkt->l3 + esp);
	f->seq = esph->seq_no;
	opts->spi = x->id.spi;
	opts->seq = ntohl(f->seq);
	if (copy && !xfrm_xdp_frame_hold(f)) {
		reason = XFRM_XDP_R_PUNT_SA_STATE;
		goto punt;
	}
	reason = xfrm_xdp_input_admit(f);
	if (unlikely(reason)) {
		if (copy)
			xfrm_xdp_frame_release(f);
		goto punt;
	}

	opts->reason = XFRM_XDP_R_INPUT_DONE;
	f->done = xfrm_xdp_input_done;
	xfrm_xdp_input_place(f, copy ? xfrm_xdp_input_copy(f, pkt) : pkt->l3 - pkt->mac_len,
			     pkt, esp);
	err = xfrm_xdp_esp_decrypt(f);
	if (copy && unlikely(err == -EINPROGRESS)) {
		/* From here on @f belongs to its completion. */
		xfrm_xdp_frame_taken(x);
		opts->reason = XFRM_XDP_R_INPUT_TAKEN;
		return XFRM_XDP_TAKEN;
	}
	reason = xfrm_xdp_input_finish(f, err, &inner);
	if (copy && likely(!reason))
		xfrm_xdp_input_back(f, pkt, &inner);
	if (copy)
		xfrm_xdp_frame_release(f);
	if (unlikely(reason)) {
		opts->reason = reason;
		return XFRM_XDP_DROP;
	}
	xfrm_xdp_set_frame(xdp, xfrm_xdp_input_mac(&inner, f->mac, pkt->mac_len),
			   inner.l3 + inner.len);
	return XFRM_XDP_DONE;
punt:
	opts->reason = reason;
	return XFRM_XDP_PUNT;
}

#endif /* _XFRM_XDP_INPUT_H */
