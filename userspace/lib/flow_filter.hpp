// SPDX-License-Identifier: GPL-2.0-or-later
// Which flows are asked for, told from what the map holds: no text is made of the others.
#pragma once

#include "flows.hpp"
#include "result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xfrm_xdp {

struct Prefix {
    unsigned family = 0; // AF_INET or AF_INET6
    std::array<std::uint8_t, 16> address{};
    unsigned length = 0; // in bits
};

struct FlowFilter {
    std::optional<std::uint32_t> spi; // of either SA, host order
    std::optional<unsigned> ifindex;  // of either device
    std::optional<Prefix> source;
    std::optional<Prefix> destination;
    std::optional<unsigned> protocol;
    std::optional<bool> is_sa;

    bool matches(const FlowEntry &entry) const;
};

Result<Prefix> parse_prefix(const std::string &text);   // ADDR or ADDR/LEN
Result<std::uint32_t> parse_spi(std::string_view text); // 0xc0ffee01 or 3237998081
Result<unsigned> parse_protocol(std::string_view text); // "udp" or 17

} // namespace xfrm_xdp
