// SPDX-License-Identifier: GPL-2.0-or-later
// What an attached device, and those that change with it, were before: in a pinned map, for
// there is no daemon, and bpffs takes no files.
#pragma once

#include "device_state.hpp"
#include "neighbourhood.hpp"
#include "pins.hpp"
#include "result.hpp"
#include "undo.hpp"

#include <string>
#include <vector>

namespace xfrm_xdp {

// An element of the map.
struct Remembered {
    NetnsId netns = 0;
    std::uint32_t ifindex = 0;
    Relation relation = Relation::self;
    std::uint32_t noted = 0; // @after is: attaching was not killed half-way
    std::uint32_t unused = 0;
    DeviceState before;
    DeviceState after; // right after attaching
};

// Pins what @related are now. Undone, they are again what they were.
Status remember(const PinDirectory &directory, const std::string &device,
                const std::vector<Related> &related, Namespaces &namespaces, Undo &undo);

// What attaching has made of them.
Status note_attached(const PinDirectory &directory, const std::string &device,
                     Namespaces &namespaces);

// The device itself first; none where nothing is pinned, or by another version of this tool.
std::vector<Remembered> recall(const PinDirectory &directory, const std::string &pin);

struct DeviceChanges {
    Relation relation = Relation::self;
    std::string device; // today's name
    std::string where;  // its network namespace; empty: this one
    std::vector<Change> changes;
};

// What attaching changed and is in force; devices without any are left out.
std::vector<DeviceChanges> list_changes(const PinDirectory &directory, const std::string &pin,
                                        Namespaces &namespaces);

// In lines, indented by @indent.
std::string render_changes(const std::string &device, const std::vector<DeviceChanges> &changed,
                           const std::string &indent);

// What is to be wanted of a device again.
struct ToRestore {
    NetnsId netns = 0;
    unsigned ifindex = 0;
    FeatureBits wanted;
};

// Made before the links go, for who changed what since can be told then. What devices that stay
// attached change, too, is restored when the last of them is detached.
std::vector<ToRestore> plan_restore(const PinDirectory &directory, const std::string &pin,
                                    Namespaces &namespaces);
Status restore(const std::vector<ToRestore> &plan, Namespaces &namespaces);

} // namespace xfrm_xdp
