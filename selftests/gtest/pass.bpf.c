// SPDX-License-Identifier: GPL-2.0-only
/* Up the stack, as after a punt: how a test gives a frame to the slow path. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
