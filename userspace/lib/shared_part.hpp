// SPDX-License-Identifier: GPL-2.0-or-later
// What the devices of a network namespace share: the flow map, the programs, and the learners in
// netfilter. Made by the first attach, removed by the last detach.
#pragma once

#include "fd.hpp"
#include "inventory.hpp"
#include "pins.hpp"
#include "result.hpp"
#include "undo.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace xfrm_xdp {

inline constexpr std::uint32_t default_flows = 65536;

// The entries of a map for that many flows: SAs need some, and each CPU keeps a few free ones
// to itself, so that without more the map would push out flows before the kernel does.
constexpr std::uint32_t map_entries(std::uint32_t flows)
{
    return flows + flows / 8 + 1024;
}

// What is learned, the same for all devices of a namespace.
struct Learning {
    bool plain = false;      // flows without any SA, too
    std::uint32_t flows = 0; // how many to have room for; 0: not said
};

// Uses what is pinned; makes it where nothing is; removes the remains of a killed attach.
Status ensure_shared_part(const PinDirectory &directory, const Inventory &inventory,
                          const Learning &learning, std::span<const std::byte> object, Undo &undo);

// Can the module, which knows up to @known flows, fill a map for @flows?
Status check_flows(std::uint64_t flows, std::uint64_t known);

// Whether what is pinned learns such flows.
Result<bool> learns_plain(const PinDirectory &directory);

// Pins a link and takes it back, synchronously, if the call fails later on.
Status pin_link(const PinDirectory &directory, const std::string &name, Fd link, Undo &undo);

} // namespace xfrm_xdp
