// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching devices: all of them, or nothing is changed.
#pragma once

#include "pins.hpp"
#include "remembered.hpp"
#include "result.hpp"
#include "shared_part.hpp"
#include "xdp.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xfrm_xdp {

struct AttachedNow {
    std::string device;
    XdpMode mode;
    bool already = false; // it was, in this mode, before
    bool sends = false;   // packets can leave here by the fast path
    std::vector<DeviceChanges> changes{};
    std::vector<std::string> notes{}; // what the operator ought to know, a sentence each
};

struct AttachOptions {
    XdpMode mode = XdpMode::native;
    Learning learning;
};

// In the network namespace of the calling thread, which is @netns.
Result<std::vector<AttachedNow>> attach_devices(NetnsId netns,
                                                const std::vector<std::string> &names,
                                                const AttachOptions &options,
                                                std::span<const std::byte> object);

} // namespace xfrm_xdp
