// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the fast path takes an SA: the module's rules (xfrm_xdp_sa.c, xfrm_xdp_learn.c).
#pragma once

#include "xfrm_sa.hpp"

#include <string>
#include <vector>

namespace xfrm_xdp {

// Why the SA's packets are left to the stack; empty where the fast path takes them.
std::vector<std::string> why_punted(const XfrmSa &sa);

} // namespace xfrm_xdp
