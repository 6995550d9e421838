// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's AES as transforms that complete at once, while this module is loaded.
 *
 * Kernel 6.12 offers AES-NI to its users by a wrapper that is flagged asynchronous,
 * because it hands over to another thread where the FPU cannot be used. Later kernels
 * dropped it: in softirq the FPU always can be, and nobody runs IPsec in hard interrupts.
 * So does this: it registers the wrapped algorithm itself under the name of the wrapper.
 */

#include <crypto/internal/aead.h>
#include <crypto/internal/skcipher.h>
#include <linux/module.h>

/* Above whatever the kernel has. */
#define BENCH_SYNC_PRIORITY	10000

static struct crypto_aead *bench_gcm;
static struct crypto_skcipher *bench_cbc;
static struct aead_alg bench_gcm_alg;
static struct skcipher_alg bench_cbc_alg;

/* An algorithm of somebody else's, whose module cannot go meanwhile, for everybody. */
static void bench_sync_offer(struct crypto_alg *alg, const char *name, const char *driver)
{
	strscpy(alg->cra_name, name);
	strscpy(alg->cra_driver_name, driver);
	alg->cra_flags &= ~CRYPTO_ALG_INTERNAL;
	alg->cra_priority = BENCH_SYNC_PRIORITY;
	alg->cra_module = THIS_MODULE;
}

static int bench_sync_register(void)
{
	int err;

	bench_gcm_alg = *crypto_aead_alg(bench_gcm);
	bench_sync_offer(&bench_gcm_alg.base, "rfc4106(gcm(aes))", "rfc4106-gcm-aes-bench-sync");
	err = crypto_register_aead(&bench_gcm_alg);
	if (err)
		return err;

	bench_cbc_alg = *crypto_skcipher_alg(bench_cbc);
	bench_sync_offer(&bench_cbc_alg.base, "cbc(aes)", "cbc-aes-bench-sync");
	err = crypto_register_skcipher(&bench_cbc_alg);
	if (err)
		crypto_unregister_aead(&bench_gcm_alg);
	return err;
}

static int __init bench_sync_init(void)
{
	u32 mask = CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC;
	int err;

	bench_gcm = crypto_alloc_aead("__rfc4106(gcm(aes))", CRYPTO_ALG_INTERNAL, mask);
	if (IS_ERR(bench_gcm))
		return PTR_ERR(bench_gcm);
	bench_cbc = crypto_alloc_skcipher("__cbc(aes)", CRYPTO_ALG_INTERNAL, mask);
	if (IS_ERR(bench_cbc)) {
		err = PTR_ERR(bench_cbc);
		goto free_gcm;
	}
	err = bench_sync_register();
	if (err)
		goto free_cbc;
	return 0;

free_cbc:
	crypto_free_skcipher(bench_cbc);
free_gcm:
	crypto_free_aead(bench_gcm);
	return err;
}

static void __exit bench_sync_exit(void)
{
	crypto_unregister_skcipher(&bench_cbc_alg);
	crypto_unregister_aead(&bench_gcm_alg);
	crypto_free_skcipher(bench_cbc);
	crypto_free_aead(bench_gcm);
}

module_init(bench_sync_init);
module_exit(bench_sync_exit);
MODULE_DESCRIPTION("The CPU's AES for the benchmark, without the asynchronous wrapper");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(CRYPTO_INTERNAL);
