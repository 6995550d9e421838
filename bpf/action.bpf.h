/* SPDX-License-Identifier: GPL-2.0-only */
/* What a gateway's program returns for a verdict. */
#ifndef _XFRM_XDP_ACTION_BPF_H
#define _XFRM_XDP_ACTION_BPF_H

#include "xfrm_xdp_kfunc.h"

static __always_inline int xdp_action(int verdict, const struct bpf_xfrm_xdp_opts *opts)
{
	switch (verdict) {
	case XFRM_XDP_DONE:
		return bpf_redirect(opts->ifindex, 0);
	case XFRM_XDP_DROP:
	case XFRM_XDP_TAKEN:
		return XDP_DROP;
	}
	return XDP_PASS;
}

#endif
