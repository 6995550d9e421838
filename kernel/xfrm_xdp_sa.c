// SPDX-License-Identifier: GPL-2.0-only
/* Which SAs the fast path takes; the others are the stack's. */

#include <uapi/linux/udp.h>
#include "xfrm_xdp.h"

/* A request and its context have to fit into what a frame reserves. */
static bool xfrm_xdp_transform_fits(const struct crypto_aead *aead)
{
	return crypto_aead_reqsize((struct crypto_aead *)aead) <= XFRM_XDP_REQ_SPACE &&
	       crypto_aead_ivsize((struct crypto_aead *)aead) <=
	       sizeof_field(struct xfrm_xdp_frame, iv) &&
	       crypto_aead_alignmask((struct crypto_aead *)aead) < 16;
}

/* Modes whose packets can be made and undone; BEET needs the inner addresses. */
static bool xfrm_xdp_mode_ok(const struct xfrm_state *x)
{
	switch (x->props.mode) {
	case XFRM_MODE_TUNNEL:
	case XFRM_MODE_TRANSPORT:
		return true;
	case XFRM_MODE_BEET:
		return x->sel.family == AF_INET || x->sel.family == AF_INET6;
	}
	return false;
}

/* Options that change what a packet becomes or where it goes. */
static bool xfrm_xdp_options_ok(const struct xfrm_state *x)
{
	if (x->encap && x->encap->encap_type != UDP_ENCAP_ESPINUDP)
		return false;
	/* With esp4_offload the stack pads some packets, and others not. */
	if (x->tfcpad && x->type_offload)
		return false;
	return !x->security &&
	       x->xso.type == XFRM_DEV_OFFLOAD_UNSPECIFIED && !x->xso.dev &&
	       !(x->props.flags & ~XFRM_XDP_SA_FLAGS) &&
	       !(x->props.extra_flags & ~XFRM_XDP_SA_EXTRA_FLAGS);
}

/**
 * xfrm_xdp_sa_check() - does the fast path take this SA?
 * @x: SA, with a reference or under RCU
 * @dir: XFRM_SA_DIR_IN or XFRM_SA_DIR_OUT
 *
 * Looks only at what is constant once an SA is valid. An SA without a
 * direction attribute goes either way, as in xfrm_input() and xfrm_output().
 *
 * Context: any.
 * Return: XFRM_XDP_OK or the reason to punt.
 */
int xfrm_xdp_sa_check(const struct xfrm_state *x, u8 dir)
{
	if (READ_ONCE(x->km.state) != XFRM_STATE_VALID)
		return XFRM_XDP_R_PUNT_SA_STATE;
	if (x->dir && x->dir != dir)
		return XFRM_XDP_R_PUNT_SA_STATE;
	/* Of ESP, @data is an AEAD transform, whatever the algorithms. */
	if (x->id.proto != IPPROTO_ESP || !x->type || !x->data)
		return XFRM_XDP_R_PUNT_SA_KIND;
	if (!xfrm_xdp_mode_ok(x) || !xfrm_xdp_options_ok(x) ||
	    !xfrm_xdp_transform_fits(x->data))
		return XFRM_XDP_R_PUNT_SA_KIND;
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_sa_key() - what the ESP packets of an SA look like
 * @key: result: family, addresses, protocol and SPI; the rest is the caller's
 * @x: SA
 *
 * Context: any.
 */
void xfrm_xdp_sa_key(struct xfrm_xdp_flow_key *key, const struct xfrm_state *x)
{
	unsigned int len = x->props.family == AF_INET ? sizeof(__be32) :
							sizeof(struct in6_addr);

	memset(key->saddr, 0, sizeof(key->saddr));
	memset(key->daddr, 0, sizeof(key->daddr));
	memcpy(key->saddr, &x->props.saddr, len);
	memcpy(key->daddr, &x->id.daddr, len);
	key->family = x->props.family;
	key->proto = IPPROTO_ESP;
	key->spi = x->id.spi;
}
