// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "status.hpp"

#include <nlohmann/json.hpp>

namespace xfrm_xdp {

nlohmann::ordered_json namespace_json(const NamespaceStatus &status);
nlohmann::ordered_json table_json(const TableUsage &table);

} // namespace xfrm_xdp
