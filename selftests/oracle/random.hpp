// SPDX-License-Identifier: GPL-2.0-or-later
// A seeded generator of SAs and packets, through both paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace xfrm_xdp::oracle {

struct RandomRun {
    std::uint64_t seed = 1;
    std::uint64_t pairs = 2000;        // of SA and packet
    std::optional<std::uint64_t> only; // this one alone
};

// Of the command line: --seed N --pairs N --pair N. False for a number that is none.
bool parse_random_run(int argc, char **argv);

} // namespace xfrm_xdp::oracle
