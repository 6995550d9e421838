// SPDX-License-Identifier: GPL-2.0-or-later
// Detaching: links first, while their pins still name them.
#pragma once

#include "inventory.hpp"
#include "pins.hpp"
#include "result.hpp"

#include <string>
#include <vector>

namespace xfrm_xdp {

// Detaches a pinned link now, not whenever the kernel drops its last reference; then unpins it.
Status remove_link(const PinDirectory &directory, const std::string &name);

Status remove_device(const PinDirectory &directory, const Attached &device);
Status remove_namespace(const PinDirectory &directory, const Inventory &inventory);

struct Detached {
    std::vector<std::string> devices;
    bool all = false; // nothing is left in this namespace
};

// @names: none for all. In the network namespace of the calling thread, which is @netns.
Result<Detached> detach_devices(NetnsId netns, const std::vector<std::string> &names);

// Removes what is pinned for namespaces that only these pins keep alive: the kernel holds a
// namespace as long as a netfilter link of it, so after `ip netns del` they would stay for good.
Result<std::vector<NetnsId>> detach_orphans();

// After the last detach on the machine: until the kernel let go of the programs, and so of the
// module, or a second or two passed.
void wait_for_module();

} // namespace xfrm_xdp
