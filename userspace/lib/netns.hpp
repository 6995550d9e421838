// SPDX-License-Identifier: GPL-2.0-or-later
// Network namespaces: entering one, and finding the one behind an inode number.
#pragma once

#include "fd.hpp"
#include "result.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace xfrm_xdp {

using NetnsId = std::uint64_t; // inode number in nsfs

// The calling thread's.
Result<NetnsId> current_netns();

// NAME as `ip netns` knows it, or a path such as /proc/PID/ns/net.
Result<Fd> open_netns(const std::string &name_or_path);

// Enters a network namespace and returns to the former at the end of the scope. Only the network
// namespace: the mounts stay, so that pins in bpffs outlive us.
class NetnsScope {
public:
    static Result<NetnsScope> enter(const Fd &netns);
    NetnsScope(NetnsScope &&) = default;
    NetnsScope &operator=(NetnsScope &&) = delete;
    ~NetnsScope();

private:
    explicit NetnsScope(Fd former) : former_(std::move(former)) {}
    Fd former_;
};

// Where a network namespace can be opened, and its name where it has one.
struct NetnsPlace {
    std::string name;
    std::string path;
};

// Every network namespace that something other than a pinned BPF link keeps alive: a name, a
// process, an open file or a mount. What is not in here and is still pinned is an orphan.
Result<std::map<NetnsId, NetnsPlace>> find_netns();

// The number in "net:[4026531840]", or 0.
NetnsId parse_netns_link(const std::string &text);

} // namespace xfrm_xdp
