// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_filter.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>

namespace xfrm_xdp {

namespace {

// All of @text as a number up to @most.
std::optional<std::uint32_t> number(std::string_view text, int base, std::uint32_t most)
{
    std::uint32_t value = 0;
    auto end = text.data() + text.size();
    auto [stop, failed] = std::from_chars(text.data(), end, value, base);

    if (text.empty() || failed != std::errc{} || stop != end || value > most)
        return {};
    return value;
}

bool contains(const Prefix &prefix, unsigned family, const __be32 (&address)[4])
{
    const unsigned whole = prefix.length / 8, rest = prefix.length % 8;
    std::array<std::uint8_t, 16> bytes{};

    if (family != prefix.family)
        return false;
    std::memcpy(bytes.data(), address, bytes.size());
    if (!std::equal(bytes.begin(), bytes.begin() + whole, prefix.address.begin()))
        return false;
    return rest == 0 || (bytes[whole] ^ prefix.address[whole]) >> (8 - rest) == 0;
}

} // namespace

bool FlowFilter::matches(const FlowEntry &entry) const
{
    const auto &[key, value] = entry;
    const bool sa = value.kind == XFRM_XDP_FLOW_SA;

    if (is_sa && *is_sa != sa)
        return false;
    if (protocol && *protocol != key.proto)
        return false;
    if (ifindex && *ifindex != key.ifindex && *ifindex != value.out_ifindex)
        return false;
    if (spi && *spi != ntohl(sa ? key.spi : value.in_spi) && *spi != ntohl(value.out_spi))
        return false;
    if (source && !contains(*source, key.family, key.saddr))
        return false;
    return !destination || contains(*destination, key.family, key.daddr);
}

Result<Prefix> parse_prefix(const std::string &text)
{
    const auto slash = text.find('/');
    const auto host = text.substr(0, slash);
    const bool ipv6 = host.find(':') != host.npos;
    const unsigned bits = ipv6 ? 128 : 32;
    Prefix prefix;

    prefix.family = ipv6 ? AF_INET6 : AF_INET;
    prefix.length = bits;
    auto length = slash == text.npos ? std::optional(bits)
                                     : number(std::string_view(text).substr(slash + 1), 10, bits);
    if (::inet_pton(static_cast<int>(prefix.family), host.c_str(), prefix.address.data()) != 1 ||
        !length)
        return Error{fmt::format("'{}' is no address or prefix", text),
                     "write it as 10.1.0.0/16 or 2001:db8::1"};
    prefix.length = *length;
    return prefix;
}

Result<std::uint32_t> parse_spi(std::string_view text)
{
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    auto value = number(hex ? text.substr(2) : text, hex ? 16 : 10, UINT32_MAX);

    if (value && *value)
        return *value;
    return Error{fmt::format("'{}' is no SPI", text), "write it as 0xc0ffee01, or as a number"};
}

Result<unsigned> parse_protocol(std::string_view text)
{
    constexpr std::pair<std::string_view, unsigned> names[] = {
        {"icmp", IPPROTO_ICMP}, {"tcp", IPPROTO_TCP},       {"udp", IPPROTO_UDP},
        {"esp", IPPROTO_ESP},   {"icmpv6", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP},
    };

    for (const auto &[name, protocol] : names)
        if (text == name)
            return protocol;
    if (auto value = number(text, 10, 255))
        return static_cast<unsigned>(*value);
    return Error{fmt::format("'{}' is no protocol", text),
                 "write tcp, udp, icmp, icmpv6, esp, or a number up to 255"};
}

} // namespace xfrm_xdp
