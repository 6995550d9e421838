// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "check.hpp"

#include <nlohmann/json.hpp>
#include <vector>

namespace xfrm_xdp {

nlohmann::ordered_json checks_json(const std::vector<Check> &checks);

} // namespace xfrm_xdp
