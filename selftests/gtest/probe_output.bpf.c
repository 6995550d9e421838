// SPDX-License-Identifier: GPL-2.0-only
/* bpf_xdp_xfrm_output() on one frame. */
#define PROBE_KFUNC bpf_xdp_xfrm_output
#include "probe_sa.bpf.h"
