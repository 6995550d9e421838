// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

#include "files.hpp"
#include "module.hpp"
#include "netns.hpp"
#include "pins.hpp"

#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace xfrm_xdp {

namespace {

constexpr std::pair oldest_kernel{6, 12};

std::optional<int> read_number(const char *path)
{
    auto text = read_file(path);
    if (!text)
        return {};
    return std::atoi(text->c_str());
}

// A setting of the whole machine that only the first network namespace shows.
std::optional<int> read_jit()
{
    constexpr const char *path = "/proc/sys/net/core/bpf_jit_enable";

    if (exists(path))
        return read_number(path);
    auto first = open_netns("/proc/1/ns/net");
    if (!first)
        return {};
    auto scope = NetnsScope::enter(*first);
    if (!scope)
        return {};
    return read_number(path);
}

Check check_kernel(const std::string &release)
{
    auto version = parse_release(release);
    if (!version)
        return {Level::warn, "kernel", fmt::format("{}: version not understood", release),
                "use Linux 6.12 or later"};
    if (*version < oldest_kernel)
        return {Level::fail, "kernel", release + " is older than 6.12", "boot Linux 6.12 or later"};
    return {Level::ok, "kernel", release, ""};
}

Check check_module(const SystemFacts &facts)
{
    if (facts.module_loaded) {
        std::string detail = "loaded";
        if (!facts.module_version.empty())
            detail += ", " + facts.module_version;
        if (facts.table)
            detail += fmt::format("; keeps up to {} flows", facts.table->max_flows);
        return {Level::ok, "module", detail, ""};
    }
    if (facts.module_available)
        return {Level::ok, "module", "installed; 'attach' loads it", ""};
    return {Level::fail, "module", "xfrm_xdp is not installed for this kernel",
            "build and install it for the running kernel: 'make' and 'make install'"};
}

Check check_jit(const std::optional<int> &jit)
{
    if (!jit)
        return {Level::warn, "BPF JIT", "net.core.bpf_jit_enable cannot be read", "run as root"};
    if (*jit == 0)
        return {Level::fail, "BPF JIT", "off, so programs cannot call kfuncs",
                "run 'sysctl net.core.bpf_jit_enable=1'"};
    return {Level::ok, "BPF JIT", "on", ""};
}

Check check_esp(const SystemFacts &facts)
{
    if (facts.esp4 && facts.esp6)
        return {Level::ok, "ESP", "esp4 and esp6 are there", ""};
    return {Level::warn, "ESP",
            fmt::format("the kernel has no {}", facts.esp4   ? "esp6"
                                                : facts.esp6 ? "esp4"
                                                             : "esp4 and no esp6"),
            "install a kernel with CONFIG_INET_ESP and CONFIG_INET6_ESP, or do without that "
            "address family"};
}

} // namespace

std::optional<std::pair<int, int>> parse_release(const std::string &release)
{
    int major = 0, minor = 0;
    auto end = release.data() + release.size();

    auto [dot, bad_major] = std::from_chars(release.data(), end, major);
    if (bad_major != std::errc{} || dot == end || *dot != '.')
        return {};
    auto [rest, bad_minor] = std::from_chars(dot + 1, end, minor);
    if (bad_minor != std::errc{})
        return {};
    return std::pair{major, minor};
}

SystemFacts gather_system()
{
    SystemFacts facts;
    utsname name{};

    ::uname(&name);
    facts.root = ::geteuid() == 0;
    facts.kernel_release = name.release;
    facts.kernel_btf = exists("/sys/kernel/btf/vmlinux");
    facts.module_loaded = module_loaded(module_name);
    facts.module_available = facts.module_loaded || module_available(module_name);
    facts.module_btf = exists(fmt::format("/sys/kernel/btf/{}", module_name));
    facts.module_version = module_version(module_name);
    if (facts.module_loaded)
        if (auto table = read_table_usage())
            facts.table = *table;
    facts.jit = read_jit();
    if (auto status = check_bpffs(); !status)
        facts.no_bpffs = status.error();
    facts.esp4 = module_loaded("esp4") || module_available("esp4");
    facts.esp6 = module_loaded("esp6") || module_available("esp6");
    return facts;
}

std::vector<Check> check_system(const SystemFacts &facts)
{
    std::vector<Check> checks;

    if (!facts.root)
        checks.push_back({Level::fail, "root", "not root, so not all can be seen, nor attached",
                          "run it with sudo, or as root"});
    checks.push_back(check_kernel(facts.kernel_release));
    checks.push_back(facts.kernel_btf
                         ? Check{Level::ok, "kernel BTF", "/sys/kernel/btf/vmlinux", ""}
                         : Check{Level::fail, "kernel BTF", "the kernel was built without BTF",
                                 "use a kernel with CONFIG_DEBUG_INFO_BTF=y"});
    checks.push_back(check_module(facts));
    if (facts.module_loaded)
        checks.push_back(facts.module_btf
                             ? Check{Level::ok, "module BTF", "/sys/kernel/btf/xfrm_xdp", ""}
                             : Check{Level::fail, "module BTF",
                                     "the loaded module has no BTF, so it offers no kfuncs",
                                     "install pahole and the kernel's vmlinux, and build the "
                                     "module again"});
    checks.push_back(check_jit(facts.jit));
    checks.push_back(
        facts.no_bpffs ? Check{Level::fail, "bpffs", facts.no_bpffs->cause, facts.no_bpffs->remedy}
                       : Check{Level::ok, "bpffs", "mounted at /sys/fs/bpf", ""});
    checks.push_back(check_esp(facts));
    return checks;
}

Forwarding gather_forwarding()
{
    Forwarding forwarding;

    if (auto value = read_number("/proc/sys/net/ipv4/ip_forward"))
        forwarding.ipv4 = *value != 0;
    if (auto value = read_number("/proc/sys/net/ipv6/conf/all/forwarding"))
        forwarding.ipv6 = *value != 0;
    return forwarding;
}

Check check_forwarding(const Forwarding &forwarding)
{
    auto text = [](const std::optional<bool> &value) {
        return !value ? "not there" : *value ? "on" : "off";
    };
    auto detail = fmt::format("IPv4 {}, IPv6 {}", text(forwarding.ipv4), text(forwarding.ipv6));

    if (forwarding.ipv4.value_or(false) || forwarding.ipv6.value_or(false))
        return {Level::ok, "forwarding", detail, ""};
    return {Level::warn, "forwarding", detail + ": this host forwards nothing",
            "run 'sysctl net.ipv4.ip_forward=1' or 'sysctl net.ipv6.conf.all.forwarding=1' if it "
            "is to be a gateway"};
}

} // namespace xfrm_xdp
