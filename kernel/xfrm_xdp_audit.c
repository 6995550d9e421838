// SPDX-License-Identifier: GPL-2.0-only
/*
 * Audit records of what fails after the transform. The kernel's audit helpers
 * read the outer headers from an sk_buff, so one is made for them, only where
 * auditing is on and only for packets that failed.
 */

#include <linux/audit.h>
#include "xfrm_xdp.h"

static struct sk_buff *xfrm_xdp_audit_skb(const struct xfrm_xdp_frame *f)
{
	unsigned int hlen = f->esph - f->l3;
	unsigned int len = hlen + sizeof(struct ip_esp_hdr);
	struct sk_buff *skb;

	if (audit_enabled == AUDIT_OFF)
		return NULL;
	skb = alloc_skb(len, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reset_network_header(skb);
	skb_put_data(skb, f->l3, len);
	skb_set_transport_header(skb, hlen);
	/* xfrm_parse_spi() looks from the transport header on. */
	skb_pull(skb, hlen);
	return skb;
}

/**
 * xfrm_xdp_audit_icvfail() - record that an integrity check failed
 * @x: SA
 * @f: the operation; its outer headers are whole again
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_audit_icvfail(struct xfrm_state *x, const struct xfrm_xdp_frame *f)
{
	struct sk_buff *skb = xfrm_xdp_audit_skb(f);

	if (!skb)
		return;
	xfrm_audit_state_icvfail(x, skb, IPPROTO_ESP);
	kfree_skb(skb);
}

/**
 * xfrm_xdp_audit_replay() - record that a packet was replayed
 * @x: SA
 * @f: the operation; its outer headers are whole again
 *
 * Context: softirq, or BH off.
 */
void xfrm_xdp_audit_replay(struct xfrm_state *x, const struct xfrm_xdp_frame *f)
{
	struct sk_buff *skb = xfrm_xdp_audit_skb(f);

	if (!skb)
		return;
	xfrm_audit_state_replay(x, skb, f->seq);
	kfree_skb(skb);
}
