// SPDX-License-Identifier: GPL-2.0-or-later
// One function per command: options in, what to print out.
#pragma once

#include "options.hpp"
#include "result.hpp"

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace xfrm_xdp {

struct Output {
    nlohmann::ordered_json json;
    std::string text;
    int status = 0;
    // In place of the first two, what may be too much to keep; prints as far as @out takes it.
    std::function<Status(std::ostream &out)> print{};
};

using Image = std::span<const std::byte>; // the BPF object

Result<Output> run_attach(const Options &options, Image object);
Result<Output> run_detach(const Options &options);
Result<Output> run_status(const Options &options);
Result<Output> run_flows(const Options &options);
Result<Output> run_stats(const Options &options);
Result<Output> run_doctor(const Options &options);

// Root, and a BPF file system that keeps what is pinned.
Status check_rights();

} // namespace xfrm_xdp
