// SPDX-License-Identifier: GPL-2.0-only
/* Which SAs the fast path takes; the others are the stack's. */

#include <linux/string.h>
#include "xfrm_xdp.h"

static const char * const xfrm_xdp_aead_algos[] = {
#define XFRM_XDP_AEAD_NAME(aead) aead,
	XFRM_XDP_AEAD_ALGOS(XFRM_XDP_AEAD_NAME)
};

static const struct {
	const char *auth;
	const char *enc;
} xfrm_xdp_authenc_algos[] = {
#define XFRM_XDP_AUTHENC_NAME(a, e) { .auth = a, .enc = e },
	XFRM_XDP_AUTHENC_ALGOS(XFRM_XDP_AUTHENC_NAME)
};

static bool xfrm_xdp_algo_ok(const struct xfrm_state *x)
{
	unsigned int i;

	if (x->aead) {
		for (i = 0; i < ARRAY_SIZE(xfrm_xdp_aead_algos); i++)
			if (!strcmp(x->aead->alg_name, xfrm_xdp_aead_algos[i]))
				return true;
		return false;
	}
	if (!x->aalg || !x->ealg)
		return false;
	for (i = 0; i < ARRAY_SIZE(xfrm_xdp_authenc_algos); i++)
		if (!strcmp(x->aalg->alg_name, xfrm_xdp_authenc_algos[i].auth) &&
		    !strcmp(x->ealg->alg_name, xfrm_xdp_authenc_algos[i].enc))
			return true;
	return false;
}

/* A request and its context have to fit into what a frame reserves. */
static bool xfrm_xdp_transform_fits(const struct crypto_aead *aead)
{
	return crypto_aead_reqsize((struct crypto_aead *)aead) <= XFRM_XDP_REQ_SPACE &&
	       crypto_aead_ivsize((struct crypto_aead *)aead) <=
	       sizeof_field(struct xfrm_xdp_frame, iv) &&
	       crypto_aead_alignmask((struct crypto_aead *)aead) < 16;
}

/* Options that change what a packet becomes or where it goes. */
static bool xfrm_xdp_options_ok(const struct xfrm_state *x)
{
	return !x->encap && !x->if_id && !x->security && !x->tfcpad &&
	       x->xso.type == XFRM_DEV_OFFLOAD_UNSPECIFIED && !x->xso.dev &&
	       !x->props.smark.m && !x->props.smark.v && !x->mark.m &&
	       x->pcpu_num == UINT_MAX &&
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
	if (x->id.proto != IPPROTO_ESP || x->props.mode != XFRM_MODE_TUNNEL ||
	    !x->type || !x->data)
		return XFRM_XDP_R_PUNT_SA_KIND;
	if (!xfrm_xdp_options_ok(x) || !xfrm_xdp_algo_ok(x) ||
	    !xfrm_xdp_transform_fits(x->data))
		return XFRM_XDP_R_PUNT_SA_KIND;
	return XFRM_XDP_OK;
}

/**
 * xfrm_xdp_must_copy() - must the transform work on memory of ours?
 * @x: SA that passed xfrm_xdp_sa_check()
 * @xdp: frame
 *
 * Where a request may complete after crypto_aead_*crypt() returned, for then the
 * driver recycles the buffer under it; and where the buffer is AF_XDP's, which is
 * not in the linear mapping that a scatterlist needs.
 *
 * Context: XDP.
 */
bool xfrm_xdp_must_copy(const struct xfrm_state *x, const struct xdp_buff *xdp)
{
	struct crypto_aead *aead = x->data;

	return crypto_aead_tfm(aead)->__crt_alg->cra_flags & CRYPTO_ALG_ASYNC ||
	       xdp->rxq->mem.type == MEM_TYPE_XSK_BUFF_POOL;
}

/**
 * xfrm_xdp_sa_hard_limit() - would xfrm_state_check_expire() expire the SA?
 * @x: SA
 *
 * Context: softirq, x->lock held.
 */
bool xfrm_xdp_sa_hard_limit(const struct xfrm_state *x)
{
	return x->curlft.bytes >= x->lft.hard_byte_limit ||
	       x->curlft.packets >= x->lft.hard_packet_limit;
}
