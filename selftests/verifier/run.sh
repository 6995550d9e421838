#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that the verifier has to reject, and the same corrected.

set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
build=${XFRM_XDP_BUILD:-$here/../../build}

[ -e /sys/module/xfrm_xdp ] || modprobe xfrm_xdp
exec "$build/selftests/xfrm_xdp_verifier" "$@"
