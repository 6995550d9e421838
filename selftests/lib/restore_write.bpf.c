// SPDX-License-Identifier: GPL-2.0-only
/*
 * In place of the gateway's tc program: writes to a packet that an xfrm interface has received,
 * by a pointer from before, which the verifier of 6.12 still takes.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "kfuncs.bpf.h"

#define TC_ACT_UNSPEC	(-1)
#define TC_ACT_SHOT	2

/* Destination port, length and checksum of UDP in IPv4 on Ethernet, and the first of its data. */
#define PLACE		36

char LICENSE[] SEC("license") = "GPL";

SEC("tcx/ingress")
int restore_write(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_xfrm_xdp_opts opts;
	__u64 *place = data + PLACE;
	int ret;

	if ((void *)(place + 1) > end)
		return TC_ACT_UNSPEC;
	ret = bpf_skb_xfrm_restore(skb, &opts, sizeof(opts));
	if (ret == 2)
		*place = ~0ULL;
	return ret == 0 || ret == 1 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}
