#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The same tests where transforms complete at once, and so work in the packet: what
# is read or written outside of it, the debug kernel sees only there.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=../lib/ktap.sh
. "$here/../lib/ktap.sh"
# shellcheck source=../lib/faults.sh
. "$here/../lib/faults.sh"
# shellcheck source=../lib/wait.sh
. "$here/../lib/wait.sh"
# shellcheck source=../lib/transform.sh
. "$here/../lib/transform.sh"

trap 'transform cpu' EXIT
transform code
[ "$(crypto_async "$GCM") $(crypto_async "$CBC")" = "no no" ] ||
	bail "C code is not what new SAs would get: $(crypto_driver "$GCM"), $(crypto_driver "$CBC")"
"$here/../../build/selftests/xfrm_xdp_gtest" "$@"
