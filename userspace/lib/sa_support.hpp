// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the fast path takes an SA: the module's rules, from the same tables.
#pragma once

#include "xfrm_sa.hpp"

#include <string>
#include <vector>

namespace xfrm_xdp {

// Why the SA's packets are left to the stack; empty where the fast path takes them.
std::vector<std::string> why_punted(const XfrmSa &sa);

// "rfc4106(gcm(aes)) or cbc(aes) with hmac(sha256)"
std::string supported_algorithms();

} // namespace xfrm_xdp
