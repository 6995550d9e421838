// SPDX-License-Identifier: GPL-2.0-or-later
// What doctor looks at. Each check takes what was found as values and says what it means.
#pragma once

#include "hooks.hpp"
#include "links.hpp"
#include "refusal.hpp"
#include "result.hpp"
#include "usage.hpp"
#include "xdp.hpp"
#include "xfrm_sa.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xfrm_xdp {

enum class Level { ok, warn, fail };

struct Check {
    Level level;
    std::string name;
    std::string detail;
    std::string remedy; // a sentence; empty where all is well
};

std::string_view level_name(Level level);
std::string render_checks(const std::vector<Check> &checks);
std::size_t count_level(const std::vector<Check> &checks, Level level);

struct SystemFacts {
    bool root = false;
    std::string kernel_release;
    bool kernel_btf = false;
    bool module_loaded = false;
    bool module_available = false;
    bool module_btf = false; // of the loaded module
    std::string module_version;
    std::optional<int> jit; // net.core.bpf_jit_enable
    std::optional<Error> no_bpffs;
    bool esp4 = false;
    bool esp6 = false;
    std::optional<TableUsage> table; // where the module is loaded
};
SystemFacts gather_system();
std::vector<Check> check_system(const SystemFacts &facts);

struct Forwarding {
    std::optional<bool> ipv4;
    std::optional<bool> ipv6;
};
Forwarding gather_forwarding();
Check check_forwarding(const Forwarding &forwarding);

// @peer: name of a veth's other end where it is in this namespace, else empty.
std::vector<Check> check_device(const Link &link, const XdpFeatures &xdp,
                                const LinkFeatures &features, const std::string &peer);

// Whether native XDP goes with the MTU of the device and of its other end. @native: it runs there.
std::vector<Check> check_mtu(const Refused &facts, bool native);

// Where learning ends, for netfilter has something before its first or behind its last learner.
std::vector<Check> check_hooks(const std::vector<HookList> &lists, std::uint32_t learner);
std::vector<Check> check_netfilter(std::uint32_t learner);
std::vector<Check> check_devices(const std::vector<Link> &links, const std::vector<Link> &devices);

// SAs that are punted, those with the same reasons together.
std::vector<Check> check_sas(const std::vector<XfrmSa> &sas);

// "6.12.117-cloud" -> {6, 12}
std::optional<std::pair<int, int>> parse_release(const std::string &release);

} // namespace xfrm_xdp
