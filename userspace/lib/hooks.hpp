// SPDX-License-Identifier: GPL-2.0-or-later
// What stands in netfilter's hooks, as nfnetlink_hook tells it.
#pragma once

#include "result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct nlmsghdr;

namespace xfrm_xdp {

struct Hook {
    int priority = 0;
    std::string function; // of the kernel
    std::string module{}; // empty: not of a module
    std::string table{};  // of an nft chain, with its family
    std::string chain{};
    std::uint32_t program = 0; // of a BPF link
};

// Of one family at one place, in the order in which they are called.
struct HookList {
    unsigned family = 0; // NFPROTO_*
    unsigned hook = 0;   // NF_INET_*
    std::vector<Hook> hooks;
};

Result<std::optional<Hook>> parse_hook(const nlmsghdr *message);

// Those of the places where the learner is, or would be.
Result<std::vector<HookList>> list_hooks();

// Hooks of @list that packets pass before the learner notes them or behind the one that learns:
// where its program is @learner, or would be if it were attached now. Not those of the kernel
// itself, which neither drop nor change what was learned from.
std::vector<Hook> outside_learner(const HookList &list, std::uint32_t learner);

// "chain 'raw' of table 'inet mine' at priority -2147483648"
std::string describe(const Hook &hook);

} // namespace xfrm_xdp
