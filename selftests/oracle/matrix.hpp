// SPDX-License-Identifier: GPL-2.0-or-later
// The support matrix for people, of the table that the tests are made of.
#pragma once

#include <string>

namespace xfrm_xdp::oracle {

std::string matrix(); // reStructuredText

} // namespace xfrm_xdp::oracle
