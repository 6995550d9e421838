// SPDX-License-Identifier: GPL-2.0-only
/*
 * What instructions are counted against: a driver's receive loop with nothing
 * behind it, and the cheapest way through a gateway that XDP knows.
 */
#include <linux/bpf.h>

/* wan of the gateway that is measured; icount_vm.sh gives it this number. */
#define WAN_IFINDEX 102

#define SEC(name) __attribute__((section(name), used))

static long (*const redirect)(__u32 ifindex, __u64 flags) = (void *)BPF_FUNC_redirect;

SEC("xdp_drop")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp_redirect")
int to_wan(struct xdp_md *ctx)
{
	return redirect(WAN_IFINDEX, 0);
}

char _license[] SEC("license") = "GPL";
