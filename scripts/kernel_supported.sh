#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel_supported.sh RELEASE: is the kernel young enough? If not, say so and fail.

set -eu

oldest=$(printf '%s\n' 6.12 "${1%%[!0-9.]*}" | sort -V | head -n 1)
if [ "$oldest" != 6.12 ]; then
	echo "error: kernel $1 is older than 6.12, the oldest that is supported" >&2
	exit 1
fi
