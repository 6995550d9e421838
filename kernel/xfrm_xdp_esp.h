/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ESP (RFC 4303) on a linear buffer with the SA's own transform, x->data: one
 * with the same key and an IV generator of its own would reuse nonces. The
 * counterpart of esp_output_tail() and esp_input() without an sk_buff. Inline, for every
 * packet.
 */
#ifndef _XFRM_XDP_ESP_H
#define _XFRM_XDP_ESP_H

#include <linux/unaligned.h>
#include <net/esp.h>
#include "xfrm_xdp.h"

static inline bool xfrm_xdp_esn(const struct xfrm_state *x)
{
	return x->props.flags & XFRM_STATE_ESN;
}

/**
 * xfrm_xdp_esp_clen() - length of the ciphertext
 * @x: SA
 * @len: length of the payload in bytes
 *
 * Context: any.
 * Return: bytes of payload, padding, pad length and next header.
 */
static inline unsigned int xfrm_xdp_esp_clen(const struct xfrm_state *x, unsigned int len)
{
	struct crypto_aead *aead = x->data;

	return ALIGN(len + 2, ALIGN(crypto_aead_blocksize(aead), 4));
}

/**
 * xfrm_xdp_esp_trailer() - write padding, pad length and next header
 * @tail: end of the payload
 * @tfclen: bytes of traffic flow confidentiality padding
 * @padlen: bytes of padding
 * @proto: next header
 *
 * RFC 4303 section 2.4: the padding counts up from one; esp_output_fill_trailer().
 *
 * Context: any.
 */
static inline void xfrm_xdp_esp_trailer(u8 *tail, unsigned int tfclen,
					unsigned int padlen, u8 proto)
{
	unsigned int i;

	if (unlikely(tfclen))
		memset(tail, 0, tfclen);
	tail += tfclen;
	for (i = 0; i < padlen; i++)
		tail[i] = i + 1;
	tail[padlen] = padlen;
	tail[padlen + 1] = proto;
}

/**
 * xfrm_xdp_esp_restore() - put the ESP header back after an ESN request
 * @f: the operation, completed
 *
 * Context: any.
 */
static inline void xfrm_xdp_esp_restore(struct xfrm_xdp_frame *f)
{
	if (!xfrm_xdp_esn(f->x))
		return;
	put_unaligned(f->saved, (__be32 *)(f->esph - sizeof(__be32)));
	put_unaligned(f->x->id.spi, (__be32 *)f->esph);
}

/*
 * What is authenticated only: SPI and sequence number. With ESN the high half
 * goes between them (RFC 4106 section 5), for which the SPI moves forward over
 * four bytes that are put back by xfrm_xdp_esp_restore().
 */
static inline unsigned int xfrm_xdp_esp_assoc(struct xfrm_xdp_frame *f, u8 **start)
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

/*
 * The ICV is an entry of its own: who looks for it by its offset finds it at the start of
 * one, and needs no list that begins there (scatterwalk_ffwd()).
 */
static __always_inline struct scatterlist *xfrm_xdp_esp_sg(struct xfrm_xdp_frame *f, u8 *start,
							   unsigned int icvlen)
{
	unsigned int len = f->esph + f->len - start;

	if (unlikely(!icvlen)) {
		sg_set_buf(&f->sg[1], start, len);
		return &f->sg[1];
	}
	len -= icvlen;
	sg_set_buf(&f->sg[0], start, len);
	sg_set_page(&f->sg[1], sg_page(&f->sg[0]), icvlen, f->sg[0].offset + len);
	return &f->sg[0];
}

/* Everything but the IV; @clen as the crypto layer counts it. */
static __always_inline void xfrm_xdp_esp_request(struct xfrm_xdp_frame *f,
						 struct crypto_aead *aead, unsigned int clen)
{
	struct scatterlist *sg;
	unsigned int assoclen;
	u8 *start;

	assoclen = xfrm_xdp_esp_assoc(f, &start);
	sg = xfrm_xdp_esp_sg(f, start, crypto_aead_authsize(aead));
	aead_request_set_tfm(&f->req, aead);
	aead_request_set_callback(&f->req, 0, xfrm_xdp_frame_complete, f);
	aead_request_set_crypt(&f->req, sg, sg, clen, f->iv);
	aead_request_set_ad(&f->req, assoclen);
}

/* What the IV generator gets: the sequence number, at the end of its @ivlen bytes. */
static __always_inline void xfrm_xdp_esp_iv(struct xfrm_xdp_frame *f, unsigned int ivlen)
{
	u64 seqno = (u64)ntohl(f->seq_hi) << 32 | ntohl(f->seq);

	if (unlikely(ivlen != sizeof(seqno)))
		memset(f->iv, 0, sizeof(f->iv));
	if (likely(ivlen >= sizeof(seqno)))
		put_unaligned_be64(seqno, f->iv + ivlen - sizeof(seqno));
	else if (ivlen)
		put_unaligned_be64(seqno << 8 * (sizeof(seqno) - ivlen), f->iv);
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
static __always_inline int xfrm_xdp_esp_encrypt(struct xfrm_xdp_frame *f)
{
	struct crypto_aead *aead = f->x->data;

	xfrm_xdp_esp_request(f, aead, f->len - sizeof(struct ip_esp_hdr) -
				      crypto_aead_authsize(aead));
	xfrm_xdp_esp_iv(f, crypto_aead_ivsize(aead));
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
static __always_inline int xfrm_xdp_esp_decrypt(struct xfrm_xdp_frame *f)
{
	xfrm_xdp_esp_request(f, f->x->data, f->len - sizeof(struct ip_esp_hdr));
	return crypto_aead_decrypt(&f->req);
}

#endif /* _XFRM_XDP_ESP_H */
