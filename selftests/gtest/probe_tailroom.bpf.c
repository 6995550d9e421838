// SPDX-License-Identifier: GPL-2.0-only
/* bpf_xdp_xfrm_tailroom() of one frame. */
#include "probe.bpf.h"

SEC("xdp.frags")
int probe(struct xdp_md *ctx)
{
	struct probe_request *req = probe_request();
	struct probe_result *res = probe_result();

	if (!req || !res || probe_room(ctx, req))
		return XDP_ABORTED;
	res->tailroom = bpf_xdp_xfrm_tailroom(ctx);
	res->calls++;
	return XDP_PASS;
}
