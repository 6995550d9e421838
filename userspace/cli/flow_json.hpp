// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "flows.hpp"

#include <nlohmann/json.hpp>

namespace xfrm_xdp {

nlohmann::ordered_json flow_json(const Flow &flow);

} // namespace xfrm_xdp
