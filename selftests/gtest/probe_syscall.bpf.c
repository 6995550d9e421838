// SPDX-License-Identifier: GPL-2.0-only
/* The kfuncs for who manages the flows. */
#include "probe.bpf.h"

SEC("syscall")
int probe(struct bpf_xfrm_flow_counts *counts)
{
	return bpf_xfrm_flow_counts(counts, sizeof(*counts));
}

SEC("syscall")
int probe_short(struct bpf_xfrm_flow_counts *counts)
{
	return bpf_xfrm_flow_counts(counts, sizeof(*counts) - 8);
}

SEC("syscall")
int probe_forget(__u32 *flags)
{
	return bpf_xfrm_flow_forget(*flags);
}
