// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

#include "bpf.hpp"
#include "checks_json.hpp"
#include "commands.hpp"
#include "inventory.hpp"
#include "netns.hpp"

namespace xfrm_xdp {

namespace {

// Those named; else the attached ones; else every Ethernet device that may have native XDP.
Result<std::vector<Link>> pick_devices(const std::vector<Link> &links,
                                       const std::vector<std::string> &names)
{
    std::vector<Link> picked;

    for (const auto &name : names) {
        auto link = find_link(links, name);
        if (!link)
            return link.error();
        picked.push_back(*std::move(link));
    }
    if (!picked.empty())
        return picked;

    if (auto netns = current_netns())
        if (auto inventory = take_inventory(PinDirectory(pin_root(), *netns), links))
            for (const auto &device : inventory->devices)
                if (const Link *link = find_link(links, device.ifindex))
                    picked.push_back(*link);
    if (!picked.empty())
        return picked;

    for (const auto &link : links)
        if (link.ethernet && !link.loopback && link.kind != "vlan" && link.kind != "bridge" &&
            link.kind != "dummy")
            picked.push_back(link);
    return picked;
}

// The program that learns in this namespace; 0: nothing is attached, or it cannot be seen.
std::uint32_t pinned_learner()
{
    auto netns = current_netns();
    if (!netns)
        return 0;
    auto program = open_pin(PinDirectory(pin_root(), *netns).file(pin_program_learn));
    if (!program)
        return 0;
    auto info = program_info(*program);
    return info ? info->id : 0;
}

void add_sas(std::vector<Check> &checks)
{
    auto sas = list_sas();
    if (!sas) {
        checks.push_back({Level::warn, "SAs", sas.error().cause, sas.error().remedy});
        return;
    }
    auto found = check_sas(*sas);
    checks.insert(checks.end(), found.begin(), found.end());
}

} // namespace

nlohmann::ordered_json checks_json(const std::vector<Check> &checks)
{
    auto list = nlohmann::ordered_json::array();

    for (const auto &check : checks)
        list.push_back({{"name", check.name},
                        {"level", level_name(check.level)},
                        {"detail", check.detail},
                        {"remedy", check.remedy}});
    return {{"checks", list},
            {"ok", count_level(checks, Level::ok)},
            {"warn", count_level(checks, Level::warn)},
            {"fail", count_level(checks, Level::fail)}};
}

Result<Output> run_doctor(const Options &options)
{
    auto links = list_links();
    if (!links)
        return links.error();
    auto devices = pick_devices(*links, options.devices);
    if (!devices)
        return devices.error();

    auto checks = check_system(gather_system());
    checks.push_back(check_forwarding(gather_forwarding()));
    auto found = check_devices(*links, *devices);
    checks.insert(checks.end(), found.begin(), found.end());
    found = check_netfilter(pinned_learner());
    checks.insert(checks.end(), found.begin(), found.end());
    add_sas(checks);

    int status = count_level(checks, Level::fail) ? status_failed : 0;
    return Output{checks_json(checks), render_checks(checks), status};
}

} // namespace xfrm_xdp
