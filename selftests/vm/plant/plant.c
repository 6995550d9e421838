// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the judge of kernel logs has to find: loading this plants it.
 */
#include <linux/module.h>
#include <linux/slab.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "warn or leak");

/* Several: a stale pointer on some stack may keep one or two from being seen. */
static noinline void leak(void)
{
	int i;

	for (i = 0; i < 16; i++)
		memset(kmalloc(192, GFP_KERNEL | __GFP_NOFAIL), i, 192);
}

static int __init plant_init(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "planted\n");
	else if (!strcmp(what, "leak"))
		leak();
	else
		return -EINVAL;
	return 0;
}

static void __exit plant_exit(void)
{
}

module_init(plant_init);
module_exit(plant_exit);
MODULE_DESCRIPTION("Plants what the judge has to find");
MODULE_LICENSE("GPL");
