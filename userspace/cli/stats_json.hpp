// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "stats.hpp"

#include <nlohmann/json.hpp>

namespace xfrm_xdp {

// {"counters": {name: value}, "meaning": {group: {name: text}}}
nlohmann::ordered_json counters_json(const Counters &counters);

} // namespace xfrm_xdp
