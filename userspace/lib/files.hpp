// SPDX-License-Identifier: GPL-2.0-or-later
// Small files of /proc and /sys, and programs that are run for their exit status.
#pragma once

#include "result.hpp"

#include <string>
#include <vector>

namespace xfrm_xdp {

Result<std::string> read_file(const std::string &path);
std::string trimmed(std::string text); // without white space at its end
bool exists(const std::string &path);

struct Ran {
    int status = 0;
    std::string output; // of stdout and stderr
};

// Without a shell; the program is looked for in the system's own directories.
Result<Ran> run_program(const std::vector<std::string> &argv);

} // namespace xfrm_xdp
