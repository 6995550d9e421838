// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"
#include "rx_metadata.hpp"

#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

std::string what_it_is(const Link &link, const LinkFeatures &features)
{
    if (!link.kind.empty())
        return link.kind;
    return features.driver.empty() ? "hardware" : features.driver;
}

std::string no_transmit_remedy(const Link &link, const std::string &peer)
{
    if (link.kind != "veth")
        return "packets that leave here stay with the stack; use a driver with ndo_xdp_xmit "
               "where it matters (some drivers need an XDP program on the device first)";
    if (peer.empty())
        return fmt::format("run 'ethtool -K PEER gro on' for its other end, device {} of another "
                           "namespace",
                           link.lower);
    return fmt::format("run 'ethtool -K {} gro on': it is the other end", peer);
}

} // namespace

std::vector<Check> check_device(const Link &link, const XdpFeatures &xdp,
                                const LinkFeatures &features, const std::string &peer)
{
    std::vector<Check> checks;
    auto what = what_it_is(link, features);

    if (!link.up)
        checks.push_back({Level::warn, link.name, fmt::format("{}: is down", what),
                          fmt::format("run 'ip link set {} up'", link.name)});
    if (!xdp.native || !xdp.redirect)
        checks.push_back(
            {Level::warn, link.name,
             fmt::format("{}: no native XDP{}", what, xdp.native ? " with redirect" : ""),
             "attach it with '--mode generic', which is slower"});
    if (!xdp.transmit)
        checks.push_back({Level::warn, link.name,
                          fmt::format("{}: takes no XDP frames from other devices", what),
                          no_transmit_remedy(link, peer)});
    if (features.vlan_stripping.value_or(false) && !(xdp.native && xdp.vlan_tags))
        checks.push_back(
            {Level::warn, link.name,
             fmt::format("{}: takes VLAN tags out of frames and cannot tell XDP, so that all of "
                         "them go to the stack",
                         what),
             fmt::format("run 'ethtool -K {} rxvlan off rx-vlan-stag-hw-parse off'", link.name)});
    if (features.driver == "mlx4_en")
        checks.push_back({Level::warn, link.name,
                          "mlx4_en: loses XDP metadata, so that what it decrypts for the stack "
                          "arrives without its sec_path",
                          "leave this device to the stack"});
    if (checks.empty())
        checks.push_back(
            {Level::ok, link.name, fmt::format("{}: native XDP, takes XDP frames", what), ""});
    return checks;
}

std::vector<Check> check_devices(const std::vector<Link> &links, const std::vector<Link> &devices)
{
    std::vector<Check> checks;
    auto metadata = list_rx_metadata();

    if (!metadata)
        checks.push_back({Level::warn, "devices", metadata.error().cause, metadata.error().remedy});
    for (const auto &device : devices) {
        auto state = query_xdp(device.index);
        if (!state) {
            checks.push_back({Level::fail, device.name, state.error().cause, "run as root"});
            continue;
        }
        if (metadata)
            for (const auto &known : *metadata)
                if (known.ifindex == device.index)
                    state->features.vlan_tags = known.vlan_tag;
        const Link *peer = device.lower_away ? nullptr : find_link(links, device.lower);
        auto found = check_device(device, state->features, link_features(device.name),
                                  peer ? peer->name : "");
        checks.insert(checks.end(), found.begin(), found.end());
    }
    return checks;
}

} // namespace xfrm_xdp
