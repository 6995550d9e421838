// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "flows.hpp"

#include <nlohmann/json.hpp>

namespace xfrm_xdp {

nlohmann::ordered_json flow_json(const Flow &flow);

// Names of devices are bytes: what is no UTF-8 in them is replaced. One line.
std::string line_of(const nlohmann::ordered_json &json);

} // namespace xfrm_xdp
