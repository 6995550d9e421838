// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "attach.hpp"
#include "commands.hpp"

#include <vector>

namespace xfrm_xdp {

Output attach_output(const std::vector<AttachedNow> &attached);

} // namespace xfrm_xdp
