// SPDX-License-Identifier: GPL-2.0-or-later
#include "device_state.hpp"

#include "fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace xfrm_xdp {

namespace {

constexpr std::size_t words = std::tuple_size_v<decltype(FeatureBits::words)>;

// @command: one of ethtool's structures, which begin with what they are.
int ethtool(const std::string &device, void *command)
{
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};

    std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
    request.ifr_data = static_cast<char *>(command);
    return ::ioctl(socket.get(), SIOCETHTOOL, &request);
}

// ethtool's structures end in an array of no length.
struct GetFeatures {
    std::uint32_t cmd = ETHTOOL_GFEATURES;
    std::uint32_t size = words;
    std::array<ethtool_get_features_block, words> block{};
};

struct SetFeatures {
    std::uint32_t cmd = ETHTOOL_SFEATURES;
    std::uint32_t size = 0;
    std::array<ethtool_set_features_block, words> block{};
};

struct SetSize {
    std::uint32_t cmd = ETHTOOL_GSSET_INFO;
    std::uint32_t reserved = 0;
    std::uint64_t mask = 1ULL << ETH_SS_FEATURES;
    std::uint32_t length = 0;
};

// As 'ethtool -k' says it.
std::string feature_text(const DeviceState &state, unsigned bit)
{
    const bool active = state.active.test(bit);
    std::string text = active ? "on" : "off";

    if (!state.available.test(bit))
        return text + " [fixed]";
    if (state.wanted.test(bit) != active)
        return text + (active ? " [requested off]" : " [requested on]");
    return text;
}

} // namespace

void FeatureBits::set(unsigned bit, bool value)
{
    const std::uint32_t mask = 1U << bit % 32;
    words[bit / 32] = value ? words[bit / 32] | mask : words[bit / 32] & ~mask;
}

DeviceState read_device_state(const Link &link)
{
    DeviceState state;
    GetFeatures features;
    ethtool_channels channels{};

    state.max_mtu = link.max_mtu;
    if (ethtool(link.name, &features) == 0)
        for (std::size_t i = 0; i < words; i++) {
            const auto &block = features.block[i];
            state.active.words[i] = block.active;
            state.wanted.words[i] = block.requested;
            state.available.words[i] = block.available & ~block.never_changed;
        }
    channels.cmd = ETHTOOL_GCHANNELS;
    if (ethtool(link.name, &channels) == 0)
        state.channels = {channels.rx_count, channels.tx_count, channels.other_count,
                          channels.combined_count};
    return state;
}

FeatureNames feature_names(const std::string &device)
{
    SetSize size;
    FeatureNames names;

    if (ethtool(device, &size) != 0 || !size.mask)
        return names;
    std::vector<char> buffer(sizeof(ethtool_gstrings) + size.length * ETH_GSTRING_LEN);
    const ethtool_gstrings header{ETHTOOL_GSTRINGS, ETH_SS_FEATURES, size.length};
    std::memcpy(buffer.data(), &header, sizeof(header));
    if (ethtool(device, buffer.data()) != 0)
        return names;
    for (std::uint32_t i = 0; i < size.length; i++) {
        const char *name = buffer.data() + sizeof(header) + i * ETH_GSTRING_LEN;
        names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
    }
    return names;
}

std::vector<Change> changes_in_force(const DeviceState &before, const DeviceState &after,
                                     const DeviceState &now, const FeatureNames &names)
{
    std::vector<Change> changes;
    auto add = [&](std::string what, const std::string &was, const std::string &became,
                   const std::string &is) {
        if (was != became && became == is)
            changes.push_back({std::move(what), was, is});
    };

    for (unsigned bit = 0; bit < FeatureBits::count; bit++)
        add(bit < names.size() ? names[bit] : fmt::format("feature {}", bit),
            feature_text(before, bit), feature_text(after, bit), feature_text(now, bit));
    add("max_mtu", fmt::to_string(before.max_mtu), fmt::to_string(after.max_mtu),
        fmt::to_string(now.max_mtu));
    constexpr std::array kinds{"rx queues", "tx queues", "other queues", "combined queues"};
    for (std::size_t i = 0; i < kinds.size(); i++)
        add(kinds[i], fmt::to_string(before.channels[i]), fmt::to_string(after.channels[i]),
            fmt::to_string(now.channels[i]));
    return changes;
}

FeatureBits wanted_without(const DeviceState &before, const DeviceState &after,
                           const DeviceState &now)
{
    FeatureBits wanted;

    for (std::size_t i = 0; i < words; i++) {
        const auto attached = before.wanted.words[i] ^ after.wanted.words[i];
        const auto since = after.wanted.words[i] ^ now.wanted.words[i];
        const auto ours = attached & ~since;
        wanted.words[i] = (before.wanted.words[i] & ours) | (now.wanted.words[i] & ~ours);
    }
    return wanted;
}

Status want_features(const std::string &device, const FeatureBits &wanted)
{
    GetFeatures now;
    SetFeatures set;
    bool differs = false;

    if (ethtool(device, &now) != 0)
        return errno_error(errno, fmt::format("cannot read the features of {}", device));
    set.size = std::min<std::uint32_t>(now.size, words); // the kernel takes no other number
    for (std::size_t i = 0; i < words; i++) {
        const auto &block = now.block[i];
        set.block[i].valid =
            (block.requested ^ wanted.words[i]) & block.available & ~block.never_changed;
        set.block[i].requested = wanted.words[i];
        differs |= set.block[i].valid != 0;
    }
    // More than zero: wanted, but something else keeps it from being active, as before.
    if (differs && ethtool(device, &set) < 0)
        return errno_error(errno, fmt::format("cannot set the features of {} as before", device),
                           fmt::format("'ethtool -k {}' shows them, and -K sets them", device));
    return Done{};
}

} // namespace xfrm_xdp
