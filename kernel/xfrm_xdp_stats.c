// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-namespace state: counters by reason, shown in /proc/net/xfrm_xdp_stat
 * beside the kernel's own /proc/net/xfrm_stat, and the policy generation. How many flows
 * there are, and their memory, is shown in /proc/net/xfrm_xdp_table.
 */

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include "xfrm_xdp.h"

unsigned int xfrm_xdp_net_id __ro_after_init;

/* In the order of the enumeration, which comes from the same list. */
static const char * const xfrm_xdp_reason_names[] = {
#define XFRM_XDP_REASON_NAME(id, name, text) name,
	XFRM_XDP_REASONS(XFRM_XDP_REASON_NAME)
};

static int xfrm_xdp_stat_show(struct seq_file *seq, void *v)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(seq->private);
	unsigned long sum;
	int cpu, i;

	for (i = 0; i < XFRM_XDP_R_MAX; i++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(xn->stats, cpu)->count[i]);
		seq_printf(seq, "%-24s\t%lu\n", xfrm_xdp_reason_names[i], sum);
	}
	return 0;
}

static int xfrm_xdp_table_show(struct seq_file *seq, void *v)
{
	struct net *net = seq->private;
	struct xfrm_xdp_usage usage;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	xfrm_xdp_flow_usage(xfrm_xdp_net(net), &usage);
	seq_printf(seq, "Flows\t%u\nMaxFlows\t%u\nSas\t%u\nMaxSas\t%u\n",
		   usage.flows, usage.max_flows, usage.sas, usage.max_sas);
	seq_printf(seq, "FlowBytes\t%u\nBundles\t%u\nBundleBytes\t%u\n",
		   usage.flow_bytes, usage.bundles, usage.bundle_bytes);
	seq_printf(seq, "SlotBytes\t%llu\nHashBytes\t%llu\n",
		   usage.slot_bytes, usage.hash_bytes);
	return 0;
}

static int __net_init xfrm_xdp_net_init(struct net *net)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(net);

	xn->net = net;
	if (xfrm_xdp_flows_init(xn))
		return -ENOMEM;
	xn->stats = alloc_percpu(struct xfrm_xdp_stats);
	if (!xn->stats)
		goto flows;
	if (!proc_create_net_single("xfrm_xdp_stat", 0444, net->proc_net,
				    xfrm_xdp_stat_show, NULL))
		goto free;
	if (!proc_create_net_single("xfrm_xdp_table", 0400, net->proc_net,
				    xfrm_xdp_table_show, NULL))
		goto remove;
	return 0;
remove:
	remove_proc_entry("xfrm_xdp_stat", net->proc_net);
free:
	free_percpu(xn->stats);
flows:
	xfrm_xdp_flows_free(xn);
	return -ENOMEM;
}

/* Before the devices go: what we hold must not keep them, nor come back to what has gone. */
static void __net_exit xfrm_xdp_net_pre_exit(struct net *net)
{
	xfrm_xdp_flow_purge(xfrm_xdp_net(net));
	xfrm_xdp_frame_close(xfrm_xdp_net(net));
}

static void __net_exit xfrm_xdp_net_exit(struct net *net)
{
	struct xfrm_xdp_net *xn = xfrm_xdp_net(net);

	remove_proc_entry("xfrm_xdp_table", net->proc_net);
	remove_proc_entry("xfrm_xdp_stat", net->proc_net);
	xfrm_xdp_flows_free(xn);
	xfrm_xdp_heard_free(xn);
	free_percpu(xn->stats);
}

/* Routes of flows count in the namespace: before that goes they have to be released. */
static void __net_exit xfrm_xdp_net_exit_batch(struct list_head *nets)
{
	rcu_barrier();
}

static struct pernet_operations xfrm_xdp_net_ops = {
	.init		= xfrm_xdp_net_init,
	.pre_exit	= xfrm_xdp_net_pre_exit,
	.exit		= xfrm_xdp_net_exit,
	.exit_batch	= xfrm_xdp_net_exit_batch,
	.id		= &xfrm_xdp_net_id,
	.size		= sizeof(struct xfrm_xdp_net),
};

int xfrm_xdp_stats_init(void)
{
	return register_pernet_subsys(&xfrm_xdp_net_ops);
}

void xfrm_xdp_stats_exit(void)
{
	unregister_pernet_subsys(&xfrm_xdp_net_ops);
}
