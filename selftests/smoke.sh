#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The shortest proof: one packet encrypted and one decrypted on the fast path,
# each the second of its flow; the far end is the kernel's own ESP.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

plan 2
setup
sa_setup
attach
mark "$GW1"

test_begin "encrypt: first packet by the stack, second on the fast path"
burst "$HA" "$A4" "$B4" 4000 5001 1
expect_got B 1 62
expect_counts "$GW1" Encrypted=0 FlowLearned=1
burst "$HA" "$A4" "$B4" 4000 5001 1 first=1
expect_got B 2 62
expect_counts "$GW1" Encrypted=1 FlowLearned=1
sa_read "$GW2" "$SPI_AB"
expect "packets of the SA at the far end" "${SA[packets]:-none}" 2
test_end

test_begin "decrypt: first packet by the stack, second on the fast path"
burst "$HB" "$B4" "$A4" 4000 5001 1
expect_got A 1 62
expect_counts "$GW1" Decrypted=0 ForwardDone=0
burst "$HB" "$B4" "$A4" 4000 5001 1 first=1
expect_got A 2 62
expect_counts "$GW1" Decrypted=1 ForwardDone=1
sa_read "$GW1" "$SPI_BA"
expect "packets of the SA" "${SA[packets]:-none}" 2
expect_no_errors "$GW1" "$GW2"
test_end
