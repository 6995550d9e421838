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
#include <span>
#include <string>

namespace xfrm_xdp {

// Uses what is pinned; makes it where nothing is; removes the remains of a killed attach.
// @plain: flows without any SA, too.
Status ensure_shared_part(const PinDirectory &directory, const Inventory &inventory, bool plain,
                          std::span<const std::byte> object, Undo &undo);

// Whether what is pinned learns such flows.
Result<bool> learns_plain(const PinDirectory &directory);

// Pins a link and takes it back, synchronously, if the call fails later on.
Status pin_link(const PinDirectory &directory, const std::string &name, Fd link, Undo &undo);

} // namespace xfrm_xdp
