#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# has_btf.sh MODULE: a module without .BTF loads, and registers no kfuncs in silence.

set -eu

if ! readelf -SW "$1" | grep -q ' \.BTF '; then
	echo "error: the module has no .BTF section, its kfuncs would not register: install pahole, and headers with a BTF vmlinux" >&2
	exit 1
fi
