// SPDX-License-Identifier: GPL-2.0-or-later
// The program less its BPF object: from arguments to an exit status.
#pragma once

#include "commands.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace xfrm_xdp {

int run(const std::vector<std::string> &arguments, Image object, std::ostream &out,
        std::ostream &err);

// What run() threw: said the way that @arguments ask for; the exit status.
int report_failure(const std::string &cause, const std::vector<std::string> &arguments,
                   std::ostream &out, std::ostream &err);

// For people: "xfrm-xdp: CAUSE.\nREMEDY."; for programs: {"error":…,"remedy":…}
std::string render_error(const Error &error);
nlohmann::ordered_json error_json(const Error &error);

} // namespace xfrm_xdp
