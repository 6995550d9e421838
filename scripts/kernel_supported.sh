#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel_supported.sh KBUILD RELEASE: can modules be built there, for a kernel
# that is young enough? If not, say why and fail.

set -eu

if [ ! -e "$1/Makefile" ]; then
	echo "error: no kernel headers in $1: install the headers of kernel $2 (Debian: linux-headers-$2)" >&2
	exit 1
fi
oldest=$(printf '%s\n' 6.12 "${2%%[!0-9.]*}" | sort -V | head -n 1)
if [ "$oldest" != 6.12 ]; then
	echo "error: kernel $2 is older than 6.12, the oldest that is supported" >&2
	exit 1
fi
