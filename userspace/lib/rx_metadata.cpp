// SPDX-License-Identifier: GPL-2.0-or-later
#include "rx_metadata.hpp"

#include "netlink.hpp"

#include <cerrno>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

namespace xfrm_xdp {

namespace {

// Of linux/netdev.h, which C libraries' headers may not have.
constexpr std::uint8_t cmd_dev_get = 1;
constexpr unsigned attr_ifindex = 1;
constexpr unsigned attr_rx_metadata = 5;
constexpr std::uint64_t rx_metadata_vlan_tag = 4;

// All answers to a dump of @command, parsed.
template <class T>
Result<std::vector<T>> ask(std::uint16_t family, std::uint8_t command,
                           Result<std::optional<T>> (*parse)(const nlmsghdr *))
{
    genlmsghdr request{};
    request.cmd = command;
    request.version = 1;
    return collect<T>(NETLINK_GENERIC, family, std::as_bytes(std::span(&request, 1)), parse);
}

} // namespace

Result<std::optional<std::uint16_t>> parse_netdev_family(const nlmsghdr *message)
{
    Attributes attributes(message, GENL_HDRLEN, CTRL_ATTR_MAX);
    auto *id = attributes.as<std::uint16_t>(CTRL_ATTR_FAMILY_ID);

    if (!id || attributes.text(CTRL_ATTR_FAMILY_NAME) != "netdev")
        return std::optional<std::uint16_t>();
    return std::optional(*id);
}

Result<std::optional<RxMetadata>> parse_rx_metadata(const nlmsghdr *message)
{
    Attributes attributes(message, GENL_HDRLEN, attr_rx_metadata);
    // 64 bits, of which those that count are in the low half: aligned to four only.
    auto *features = attributes.as<std::uint32_t>(attr_rx_metadata);

    if (!attributes[attr_ifindex])
        return std::optional<RxMetadata>();
    return std::optional(
        RxMetadata{attributes.u32(attr_ifindex), features && (*features & rx_metadata_vlan_tag)});
}

Result<std::vector<RxMetadata>> list_rx_metadata()
{
    auto families = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, parse_netdev_family);

    if (!families)
        return families.error();
    if (families->empty())
        return Error{"the kernel does not say what XDP its drivers can do",
                     "use Linux 6.12 or later", ENOENT};
    return ask(families->front(), cmd_dev_get, parse_rx_metadata);
}

} // namespace xfrm_xdp
