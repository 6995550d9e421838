// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "status.hpp"

#include <nlohmann/json.hpp>

namespace xfrm_xdp {

nlohmann::ordered_json namespace_json(const NamespaceStatus &status);

// One object for each change, in the order of the devices.
nlohmann::ordered_json changes_json(const std::vector<DeviceChanges> &changed);
nlohmann::ordered_json table_json(const TableUsage &table);

} // namespace xfrm_xdp
