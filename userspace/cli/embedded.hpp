// SPDX-License-Identifier: GPL-2.0-or-later
// The BPF object that this program carries. Outside the namespace: the skeleton calls a structure
// by its name.
#pragma once

#include <cstddef>
#include <span>

std::span<const std::byte> embedded_object();
