// SPDX-License-Identifier: GPL-2.0-or-later
#include "neighbourhood.hpp"

#include "netlink.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

namespace xfrm_xdp {

namespace {

// What the calling thread's namespace calls the open one: NETNSA_NSID, or less than 0.
int nsid_of(const Fd &netns)
{
    struct {
        rtgenmsg header{};
        char padding[NLMSG_ALIGN(sizeof(rtgenmsg)) - sizeof(rtgenmsg)]{};
        nlattr attribute{NLA_HDRLEN + sizeof(int), NETNSA_FD};
        int fd = -1;
    } request;
    int nsid = NETNSA_NSID_NOT_ASSIGNED;

    request.fd = netns.get();
    auto socket = NetlinkSocket::open(NETLINK_ROUTE);
    if (!socket)
        return nsid;
    (void)!!socket->get(
        RTM_GETNSID, std::as_bytes(std::span(&request, 1)), [&](const nlmsghdr *message) -> Status {
            Attributes attributes(message, NLMSG_ALIGN(sizeof(rtgenmsg)), NETNSA_MAX);
            if (attributes[NETNSA_NSID])
                nsid = static_cast<int>(attributes.u32(NETNSA_NSID));
            return Done{};
        });
    return nsid;
}

bool stands_on_its_lower(const Link &link)
{
    return link.kind != "veth" && link.lower && !link.lower_away;
}

} // namespace

const std::map<NetnsId, NetnsPlace> &Namespaces::places()
{
    if (!places_)
        places_ = find_netns().value_or({});
    return *places_;
}

bool Namespaces::within(NetnsId netns, const std::function<void()> &work)
{
    if (auto here = current_netns(); here && *here == netns) {
        work();
        return true;
    }
    auto place = places().find(netns);
    if (place == places().end())
        return false;
    auto fd = open_netns(place->second.path);
    if (!fd)
        return false;
    auto scope = NetnsScope::enter(*fd);
    if (!scope)
        return false;
    work();
    return true;
}

NetnsId Namespaces::by_nsid(int nsid)
{
    auto [found, is_new] = known_.try_emplace(nsid, 0);
    if (!is_new)
        return found->second;
    for (const auto &[id, place] : places()) {
        auto fd = open_netns(place.path);
        if (fd && nsid_of(*fd) == nsid)
            return found->second = id;
    }
    return 0;
}

std::string Namespaces::where(NetnsId netns)
{
    if (auto here = current_netns(); here && *here == netns)
        return {};
    auto place = places().find(netns);
    if (place == places().end())
        return fmt::to_string(netns);
    return place->second.name.empty() ? place->second.path : place->second.name;
}

std::optional<Related> find_peer(const std::vector<Link> &links, const Link &device,
                                 Namespaces &namespaces)
{
    if (device.kind != "veth" || !device.lower)
        return {};
    if (!device.lower_away) {
        const Link *link = find_link(links, device.lower);
        auto here = current_netns();
        if (!link || !here)
            return {};
        return Related{Relation::peer, *here, *link};
    }

    std::optional<Related> peer;
    auto netns = namespaces.by_nsid(device.lower_nsid);
    namespaces.within(netns, [&] {
        if (auto there = list_links())
            if (const Link *link = find_link(*there, device.lower))
                peer = Related{Relation::peer, netns, *link};
    });
    return peer;
}

std::vector<Related> related_devices(const std::vector<Link> &links, const Link &device,
                                     Namespaces &namespaces)
{
    std::vector<Related> found;
    auto here = current_netns();

    if (!here)
        return found;
    auto add = [&](Related related) {
        if (std::none_of(found.begin(), found.end(), [&](const Related &other) {
                return other.netns == related.netns && other.link.index == related.link.index;
            }))
            found.push_back(std::move(related));
    };
    add({Relation::self, *here, device});
    for (std::size_t i = 0; i < found.size(); i++) { // grows meanwhile
        const Link link = found[i].link;
        for (const auto &other : links)
            if (other.master == link.index ||
                (stands_on_its_lower(link) && other.index == link.lower))
                add({Relation::below, *here, other});
    }
    for (std::size_t i = 0, own = found.size(); i < own; i++) {
        const Link link = found[i].link;
        if (auto peer = find_peer(links, link, namespaces))
            add(*std::move(peer));
    }
    return found;
}

std::string describe(const Related &device, Namespaces &namespaces)
{
    auto where = namespaces.where(device.netns);
    return where.empty() ? device.link.name
                         : fmt::format("{} in network namespace '{}'", device.link.name, where);
}

} // namespace xfrm_xdp
