// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel modules: is one there, which version, load it.
#pragma once

#include "result.hpp"

#include <string>

namespace xfrm_xdp {

inline constexpr const char *module_name = "xfrm_xdp";

bool module_loaded(const std::string &name);    // or built in, with something in /sys/module
bool module_available(const std::string &name); // modprobe would find it

// MODULE_VERSION, else the source's checksum, else empty.
std::string module_version(const std::string &name);

// How many hold a module; -1 where that is not told.
int module_users(const std::string &name);

// Loads what is not loaded.
Status load_module(const std::string &name);

} // namespace xfrm_xdp
