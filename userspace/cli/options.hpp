// SPDX-License-Identifier: GPL-2.0-or-later
// The command line as a value.
#pragma once

#include "attach.hpp"
#include "flow_filter.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace xfrm_xdp {

enum class Command { attach, detach, status, flows, stats, doctor };

struct Options {
    Command command = Command::status;
    std::string netns; // empty: the current one
    bool json = false;
    bool verbose = false;
    std::vector<std::string> devices;
    AttachOptions attach;
    bool all = false;        // stats: zero counters too
    bool orphaned = false;   // detach: what deleted namespaces left
    FlowFilter filter;       // flows: these only
    std::string flow_device; // flows: that come in or leave here; empty: anywhere
    bool count = false;      // flows: how many, not which
    std::uint64_t limit = 0; // flows: at most so many; 0: all
};

// The command line asked for no command: --help, --version, or it is wrong.
struct Leave {
    int status = 0;
    std::string text; // for stdout, where status is zero
};

inline constexpr int status_failed = 1;
inline constexpr int status_usage = 2;

std::variant<Options, Leave> parse_options(const std::vector<std::string> &arguments);

} // namespace xfrm_xdp
