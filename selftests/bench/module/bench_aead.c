// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an AEAD costs alone, on a packet as an SA has it.
 *
 * Written to /sys/kernel/debug/bench_aead:
 *
 *	NAME AUTHKEY KEY ICV LENGTH N
 *
 * as XFRM spells the AEAD of an SA, the lengths of its keys and of its ICV, the length of
 * the packet inside, and how often. Read from there afterwards:
 *
 *	DRIVER ENCRYPT DECRYPT
 *
 * the transform that served, and nanoseconds per operation.
 */

#include <crypto/aead.h>
#include <crypto/authenc.h>
#include <linux/bpf.h>
#include <linux/debugfs.h>
#include <linux/ip.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rtnetlink.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Where ESP begins in a frame of XDP: headroom, Ethernet, IPv4. */
#define BENCH_ESP_AT	(XDP_PACKET_HEADROOM + ETH_HLEN + sizeof(struct iphdr))
#define BENCH_ASSOC	sizeof(struct ip_esp_hdr)
#define BENCH_MAX_IV	16
#define BENCH_MAX_KEY	64

/**
 * struct bench_order - what is to be measured
 * @name:	of the AEAD
 * @authkey:	bytes of the key of authenc(), else 0
 * @key:	bytes of the cipher's key
 * @icv:	bytes of the ICV
 * @length:	bytes of the packet that the SA protects
 * @n:		operations to take the average of
 */
struct bench_order {
	char name[CRYPTO_MAX_ALG_NAME];
	unsigned int authkey, key, icv, length, n;
};

/**
 * struct bench - an AEAD with its packet
 * @tfm:	the transform
 * @req:	its request, over @sg
 * @wait:	for transforms that complete later, which is an error here
 * @sg:		the packet, and its ICV as an entry of its own, as in xfrm_xdp_esp_sg()
 * @frame:	where the packet is
 * @iv:		as XFRM passes it, by sequence number
 * @plain:	bytes to encrypt, with the IV
 * @icv:	bytes behind those
 */
struct bench {
	struct crypto_aead *tfm;
	struct aead_request *req;
	struct crypto_wait wait;
	struct scatterlist sg[2];
	u8 *frame;
	u8 iv[BENCH_MAX_IV];
	unsigned int plain, icv;
};

static char bench_result[CRYPTO_MAX_ALG_NAME + 48];
static DEFINE_MUTEX(bench_lock);	/* of bench_result, and one at a time */

/* The key as authenc() wants it, or just its bytes. */
static int bench_setkey(struct crypto_aead *tfm, const struct bench_order *order)
{
	struct crypto_authenc_key_param *param;
	unsigned int len = order->authkey + order->key;
	u8 key[RTA_SPACE(sizeof(*param)) + 2 * BENCH_MAX_KEY];
	struct rtattr *rta = (void *)key;

	memset(key, 0x5a, sizeof(key));
	if (!strstr(order->name, "authenc("))
		return crypto_aead_setkey(tfm, key, len);
	rta->rta_type = CRYPTO_AUTHENC_KEYA_PARAM;
	rta->rta_len = RTA_LENGTH(sizeof(*param));
	param = RTA_DATA(rta);
	param->enckeylen = cpu_to_be32(order->key);
	return crypto_aead_setkey(tfm, key, RTA_SPACE(sizeof(*param)) + len);
}

/* The lengths are those of esp_output(): padding, its length, the next header. */
static int bench_packet(struct bench *bench, const struct bench_order *order)
{
	unsigned int block = ALIGN(crypto_aead_blocksize(bench->tfm), 4);
	unsigned int ivsize = crypto_aead_ivsize(bench->tfm);

	if (ivsize > BENCH_MAX_IV)
		return -EINVAL;
	bench->icv = order->icv;
	bench->plain = ivsize + ALIGN(order->length + 2, block);
	if (BENCH_ESP_AT + BENCH_ASSOC + bench->plain + bench->icv > PAGE_SIZE)
		return -EMSGSIZE;

	bench->frame = (u8 *)get_zeroed_page(GFP_KERNEL);
	bench->req = aead_request_alloc(bench->tfm, GFP_KERNEL);
	if (!bench->frame || !bench->req)
		return -ENOMEM;
	sg_init_table(bench->sg, bench->icv ? 2 : 1);
	sg_set_buf(&bench->sg[0], bench->frame + BENCH_ESP_AT, BENCH_ASSOC + bench->plain);
	if (bench->icv)
		sg_set_buf(&bench->sg[1], bench->frame + BENCH_ESP_AT + BENCH_ASSOC + bench->plain,
			   bench->icv);
	crypto_init_wait(&bench->wait);
	aead_request_set_callback(bench->req, 0, crypto_req_done, &bench->wait);
	aead_request_set_ad(bench->req, BENCH_ASSOC);
	return 0;
}

static void bench_free(struct bench *bench)
{
	aead_request_free(bench->req);
	free_page((unsigned long)bench->frame);
	crypto_free_aead(bench->tfm);
}

static int bench_init(struct bench *bench, const struct bench_order *order)
{
	int err;

	bench->tfm = crypto_alloc_aead(order->name, 0, 0);
	if (IS_ERR(bench->tfm))
		return PTR_ERR(bench->tfm);
	err = crypto_aead_setauthsize(bench->tfm, order->icv);
	if (!err)
		err = bench_setkey(bench->tfm, order);
	if (!err)
		err = bench_packet(bench, order);
	if (err)
		bench_free(bench);
	return err;
}

static int bench_encrypt(struct bench *bench)
{
	aead_request_set_crypt(bench->req, bench->sg, bench->sg, bench->plain, bench->iv);
	return crypto_aead_encrypt(bench->req);
}

static int bench_decrypt(struct bench *bench)
{
	aead_request_set_crypt(bench->req, bench->sg, bench->sg, bench->plain + bench->icv,
			       bench->iv);
	return crypto_aead_decrypt(bench->req);
}

/* Nanoseconds that n encryptions take, or n with a decryption each, as in softirq. */
static s64 bench_time(struct bench *bench, unsigned int n, bool decrypt)
{
	int err = 0;
	u64 start;
	s64 ns;

	local_bh_disable();
	start = ktime_get_ns();
	while (n-- && !err) {
		err = bench_encrypt(bench);
		if (!err && decrypt)
			err = bench_decrypt(bench);
	}
	ns = ktime_get_ns() - start;
	local_bh_enable();
	if (err != -EINPROGRESS && err != -EBUSY)
		return err ?: ns;
	/* The request is still the transform's. */
	crypto_wait_req(err, &bench->wait);
	return -EDEADLK;
}

/* A decryption needs something to decrypt: its time is that of both less the other's. */
static int bench_run(struct bench *bench, unsigned int n)
{
	s64 one, both;

	both = bench_time(bench, 16, true);	/* warm */
	if (both < 0)
		return both;
	one = bench_time(bench, n, false);
	if (one < 0)
		return one;
	both = bench_time(bench, n, true);
	if (both < 0)
		return both;
	snprintf(bench_result, sizeof(bench_result), "%s %lld %lld\n",
		 crypto_tfm_alg_driver_name(crypto_aead_tfm(bench->tfm)),
		 div_s64(one, n), div_s64(both - one, n));
	return 0;
}

static int bench_parse(char *line, struct bench_order *order)
{
	/* The length of a name is that of CRYPTO_MAX_ALG_NAME. */
	if (sscanf(line, "%127s %u %u %u %u %u", order->name, &order->authkey, &order->key,
		   &order->icv, &order->length, &order->n) != 6)
		return -EINVAL;
	if (order->authkey > BENCH_MAX_KEY || order->key > BENCH_MAX_KEY ||
	    order->icv > BENCH_MAX_KEY || order->length > PAGE_SIZE || !order->n)
		return -EINVAL;
	return 0;
}

static ssize_t bench_write(struct file *file, const char __user *from, size_t len, loff_t *at)
{
	struct bench_order order;
	struct bench bench = {};
	char *line;
	int err;

	if (len > PAGE_SIZE)
		return -EINVAL;
	line = memdup_user_nul(from, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	err = bench_parse(line, &order);
	kfree(line);
	if (err)
		return err;

	mutex_lock(&bench_lock);
	bench_result[0] = 0;
	err = bench_init(&bench, &order);
	if (!err) {
		err = bench_run(&bench, order.n);
		bench_free(&bench);
	}
	mutex_unlock(&bench_lock);
	return err ?: len;
}

static ssize_t bench_read(struct file *file, char __user *to, size_t len, loff_t *at)
{
	ssize_t ret;

	mutex_lock(&bench_lock);
	ret = simple_read_from_buffer(to, len, at, bench_result, strlen(bench_result));
	mutex_unlock(&bench_lock);
	return ret;
}

static const struct file_operations bench_fops = {
	.owner	= THIS_MODULE,
	.read	= bench_read,
	.write	= bench_write,
};

static struct dentry *bench_file;

static int __init bench_aead_init(void)
{
	bench_file = debugfs_create_file("bench_aead", 0600, NULL, NULL, &bench_fops);
	return PTR_ERR_OR_ZERO(bench_file);
}

static void __exit bench_aead_exit(void)
{
	debugfs_remove(bench_file);
}

module_init(bench_aead_init);
module_exit(bench_aead_exit);
MODULE_DESCRIPTION("The cost of an AEAD alone, for the benchmark");
MODULE_LICENSE("GPL");
