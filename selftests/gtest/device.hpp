// SPDX-License-Identifier: GPL-2.0-or-later
// A network namespace of its own with one device, for one test.
#pragma once

#include <functional>
#include <string>

#include "fd.hpp"
#include "netlink.hpp"
#include "packet.hpp"
#include "result.hpp"
#include "sa.hpp"

namespace xfrm_xdp::test {

/*
 *   namespace of the test
 *   +--------------------------------------------+
 *   | probe0 (dummy, or as the test wants it)    |
 *   | 192.0.2.1/24, 2001:db8::1/64: the gateway  |
 *   +--------------------------------------------+
 *
 * Frames come in by BPF_PROG_TEST_RUN. The tunnel's other end is 192.0.2.2 or
 * 2001:db8::2, of which there is nothing but its Ethernet address.
 */
inline constexpr packet::Mac gateway_mac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr packet::Mac peer_mac{{0x02, 0, 0, 0, 0, 0x02}};

class Sandbox {
public:
    // Leaves the caller in the new namespace.
    static Result<Sandbox> create(const std::string &kind = "dummy");
    Status enter() const;
    // As new, as far as the tests of SAs can tell: entered, without any SA.
    Status reset();
    int ifindex() const { return ifindex_; }
    SaTable &table() { return table_; }

private:
    Sandbox(Fd netns, int ifindex, SaTable table)
        : netns_(std::move(netns)), ifindex_(ifindex), table_(std::move(table))
    {
    }
    Fd netns_;
    int ifindex_;
    SaTable table_;
};

// False where it does not become true within ten seconds.
bool wait_until(const std::function<bool()> &condition);

// A sysctl of the current namespace that gets its value back.
class Sysctl {
public:
    static Result<Sysctl> set(const std::string &path, const std::string &value);
    Sysctl(Sysctl &&other) noexcept;
    Sysctl &operator=(Sysctl &&) = delete;
    ~Sysctl();

private:
    Sysctl(std::string path, std::string former)
        : path_(std::move(path)), former_(std::move(former))
    {
    }
    std::string path_, former_;
};

} // namespace xfrm_xdp::test
