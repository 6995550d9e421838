// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP (RFC 4303) on a linear buffer with the SA's own transform, x->data: one
 * with the same key and an IV generator of its own would reuse nonces. The
 * counterpart of esp_output_tail() and esp_input() without an sk_buff.
 */

#include <linux/unaligned.h>
#include <net/esp.h>
#include "xfrm_xdp.h"

/*
 * What is authenticated only: SPI and sequence number. With ESN the high half
 * goes between them (RFC 4106 section 5), for which the SPI moves forward over
 * four bytes that are put back by xfrm_xdp_esp_restore().
 */
static unsigned int xfrm_xdp_esp_assoc(struct xfrm_xdp_frame *f, u8 **start)
{
	if (!xfrm_xdp_esn(f->x)) {
		*start = f->esph;
		return sizeof(struct ip_esp_hdr);
	}
	*start = f->esph - sizeof(__be32);
	f->saved = get_unaligned((__be32 *)*start);
	put_unaligned(f->x->id.spi, (__be32 *)*start);
	put_unaligned(f->seq_hi, (__be32 *)f->esph);
	return sizeof(struct ip_esp_hdr) + sizeof(__be32);
}

/* Everything but the IV; @clen as the crypto layer counts it. */
static __always_inline void xfrm_xdp_esp_request(struct xfrm_xdp_frame *f, unsigned int clen)
{
	unsigned int assoclen;
	u8 *start;

	assoclen = xfrm_xdp_esp_assoc(f, &start);
	sg_set_buf(&f->sg, start, f->esph + f->len - start);
	aead_request_set_tfm(&f->req, f->x->data);
	aead_request_set_callback(&f->req, 0, xfrm_xdp_frame_complete, f);
	aead_request_set_crypt(&f->req, &f->sg, &f->sg, clen, f->iv);
	aead_request_set_ad(&f->req, assoclen);
}

/**
 * xfrm_xdp_esp_encrypt() - encrypt and authenticate
 * @f: operation: @x, @esph with header and plaintext behind the IV, @len, @seq
 *	and @seq_hi; four bytes before @esph are writable
 *
 * The IV generator turns the sequence number into the IV and writes it, as for
 * esp_output_tail().
 *
 * Context: softirq, or BH off.
 * Return: as crypto_aead_encrypt(): 0, -EINPROGRESS or another errno. Unless
 * -EINPROGRESS, call xfrm_xdp_esp_restore().
 */
int xfrm_xdp_esp_encrypt(struct xfrm_xdp_frame *f)
{
	struct crypto_aead *aead = f->x->data;
	unsigned int ivlen = crypto_aead_ivsize(aead);
	__be32 seqno[2] = { f->seq_hi, f->seq };

	xfrm_xdp_esp_request(f, f->len - sizeof(struct ip_esp_hdr) -
				crypto_aead_authsize(aead));
	memset(f->iv, 0, sizeof(f->iv));
	if (likely(ivlen >= sizeof(seqno)))
		memcpy(f->iv + ivlen - sizeof(seqno), seqno, sizeof(seqno));
	else
		memcpy(f->iv, (u8 *)seqno + sizeof(seqno) - ivlen, ivlen);
	return crypto_aead_encrypt(&f->req);
}

/**
 * xfrm_xdp_esp_decrypt() - verify and decrypt
 * @f: operation: @x, @esph, @len and @seq_hi; four bytes before @esph are
 *	writable
 *
 * Context: softirq, or BH off.
 * Return: as crypto_aead_decrypt(): 0, -EINPROGRESS, -EBADMSG where the ICV is
 * wrong, or another errno. Unless -EINPROGRESS, call xfrm_xdp_esp_restore().
 */
int xfrm_xdp_esp_decrypt(struct xfrm_xdp_frame *f)
{
	xfrm_xdp_esp_request(f, f->len - sizeof(struct ip_esp_hdr));
	return crypto_aead_decrypt(&f->req);
}
