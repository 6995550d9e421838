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
    if (features.unfinished_checksums && features.offloads_can_be_set)
        checks.push_back(
            {Level::warn, link.name,
             "virtio_net: drops frames whose checksum is not finished while native XDP is "
             "attached; it asks the host to finish them then, but not every host does",
             fmt::format("nothing, where the host is QEMU with a tap device. If frames are lost "
                         "and rx_xdp_drops grow in 'ethtool -S {}', set guest_csum=off for the "
                         "device at the host, or attach it with '--mode generic'",
                         link.name)});
    if (features.unfinished_checksums && !features.offloads_can_be_set)
        checks.push_back({Level::warn, link.name,
                          "virtio_net: refuses native XDP, for the host leaves checksums "
                          "unfinished and cannot be told to finish them",
                          "set guest_csum=off or ctrl_guest_offloads=on for the device at the "
                          "host, or attach it with '--mode generic'"});
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

std::vector<Check> check_mtu(const Refused &facts, bool native)
{
    const auto &device = facts.device;
    std::vector<Check> checks;

    if (facts.features.driver == "virtio_net" && device.mtu > one_page_mtu()) {
        auto error = mtu_error(device.name, device.name, device, 0);
        checks.push_back(
            {Level::warn, device.name,
             error.cause + (native ? ": larger frames are dropped" : ": 'attach' will be refused"),
             error.remedy});
    }
    if (device.kind != "veth" || !facts.peer)
        return checks;
    if (native) {
        checks.push_back({Level::ok, device.name,
                          fmt::format("veth: the MTU of its other end, {}, can be {} at most while "
                                      "this is attached; the kernel refuses more",
                                      facts.peer_text, facts.peer->max_mtu),
                          ""});
    } else if (facts.peer->mtu > one_page_mtu()) {
        auto error =
            mtu_error(fmt::format("{}, the other end of {},", facts.peer_text, device.name),
                      device.name, *facts.peer, 0);
        checks.push_back(
            {Level::warn, device.name, error.cause + ": 'attach' will be refused", error.remedy});
    }
    return checks;
}

std::vector<Check> check_devices(const std::vector<Link> &links, const std::vector<Link> &devices)
{
    std::vector<Check> checks;
    Namespaces namespaces;
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
        Refused facts{device, link_features(device.name), {}, {}};
        const Link *near = device.lower_away ? nullptr : find_link(links, device.lower);
        auto found = check_device(device, state->features, facts.features, near ? near->name : "");
        checks.insert(checks.end(), found.begin(), found.end());

        if (auto peer = find_peer(links, device, namespaces)) {
            facts.peer = peer->link;
            facts.peer_text = describe(*peer, namespaces);
        }
        // Generic XDP has no such limit.
        if (state->programs.empty() || state->programs.front().mode == XdpMode::native) {
            found = check_mtu(facts, !state->programs.empty());
            checks.insert(checks.end(), found.begin(), found.end());
        }
    }
    return checks;
}

} // namespace xfrm_xdp
