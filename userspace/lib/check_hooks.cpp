// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <linux/netfilter.h>

namespace xfrm_xdp {

namespace {

std::string place_name(const HookList &list)
{
    const char *hook = list.hook == NF_INET_PRE_ROUTING    ? "PRE_ROUTING"
                       : list.hook == NF_INET_POST_ROUTING ? "POST_ROUTING"
                                                           : "LOCAL_IN";
    return fmt::format("{} of {}", hook, list.family == NFPROTO_IPV4 ? "IPv4" : "IPv6");
}

} // namespace

std::vector<Check> check_hooks(const std::vector<HookList> &lists, std::uint32_t learner)
{
    std::vector<Check> checks;

    for (const auto &list : lists) {
        const bool first = list.hook == NF_INET_PRE_ROUTING;
        for (const auto &hook : outside_learner(list, learner))
            checks.push_back(
                {Level::warn, "netfilter",
                 fmt::format("{} stands {} at {}, where the learner cannot tell what it does: no "
                             "flows are learned while it is there (counter LearnHooks), and "
                             "'attach' may be refused",
                             describe(hook), first ? "before all others" : "behind all others",
                             place_name(list)),
                 first ? "give it a priority of -2147483646 or more"
                       : "give it a priority of 2147483645 or less"});
    }
    if (checks.empty())
        checks.push_back({Level::ok, "netfilter", "the learner is behind all rules", ""});
    return checks;
}

std::vector<Check> check_netfilter(std::uint32_t learner)
{
    auto lists = list_hooks();

    if (lists)
        return check_hooks(*lists, learner);
    // A subsystem that is not there is an invalid message.
    if (lists.error().code == EINVAL)
        return {{Level::warn, "netfilter",
                 "could not be checked for rules outside the learner's hooks: this kernel does not "
                 "list its hooks",
                 "use a kernel with CONFIG_NETFILTER_NETLINK_HOOK, or look for LearnHooks in "
                 "'xfrm-xdp stats'"}};
    return {{Level::warn, "netfilter", lists.error().cause, lists.error().remedy}};
}

} // namespace xfrm_xdp
