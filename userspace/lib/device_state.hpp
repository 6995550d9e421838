// SPDX-License-Identifier: GPL-2.0-or-later
// What of a network device attaching may change: its offload features, queues and largest MTU.
#pragma once

#include "links.hpp"
#include "result.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace xfrm_xdp {

// A bit per feature, numbered as the running kernel does.
struct FeatureBits {
    std::array<std::uint32_t, 4> words{};

    bool operator==(const FeatureBits &) const = default;
    bool test(unsigned bit) const { return words[bit / 32] >> bit % 32 & 1; }
    void set(unsigned bit, bool value);
    static constexpr unsigned count = 128;
};

// Kept in a BPF map, and so of fixed layout.
struct DeviceState {
    FeatureBits active;
    FeatureBits wanted;    // what was asked for, as 'ethtool -K' does
    FeatureBits available; // what can be asked for
    std::uint32_t max_mtu = 0;
    std::array<std::uint32_t, 4> channels{}; // rx, tx, other, combined

    bool operator==(const DeviceState &) const = default;
};

// Of a device of the calling thread's namespace; empty where a driver does not say.
DeviceState read_device_state(const Link &link);

struct Change {
    std::string what; // a feature as 'ethtool -k' calls it, "max_mtu", "combined queues", ...
    std::string before;
    std::string now;
};

using FeatureNames = std::vector<std::string>; // by bit
FeatureNames feature_names(const std::string &device);

// What attaching changed and what is still so: whoever changed it again since, it is his.
std::vector<Change> changes_in_force(const DeviceState &before, const DeviceState &after,
                                     const DeviceState &now, const FeatureNames &names);

// What should be wanted once nothing is attached: what was wanted before in all that attaching
// changed, and what is wanted @now in all that somebody has changed since, or nobody ever.
FeatureBits wanted_without(const DeviceState &before, const DeviceState &after,
                           const DeviceState &now);

// Asks for @wanted where that can be asked for.
Status want_features(const std::string &device, const FeatureBits &wanted);

} // namespace xfrm_xdp
