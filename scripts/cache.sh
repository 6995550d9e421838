#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Print the directory that built kernels and tools are kept in, outside of any checkout.

echo "${XFRM_XDP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xfrm-xdp}"
