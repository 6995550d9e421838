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

// Uses what is pinned; makes it where nothing is; removes the remains of a killed attach.
// @flows: how many to have room for; 0: not said.
Status ensure_shared_part(const PinDirectory &directory, const Inventory &inventory,
                          std::span<const std::byte> object, std::uint32_t flows, Undo &undo);

// Can the module, which knows up to @known flows, fill a map for @flows?
Status check_flows(std::uint64_t flows, std::uint64_t known);

// Pins a link and takes it back, synchronously, if the call fails later on.
Status pin_link(const PinDirectory &directory, const std::string &name, Fd link, Undo &undo);

} // namespace xfrm_xdp
