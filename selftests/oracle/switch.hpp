// SPDX-License-Identifier: GPL-2.0-or-later
// The way that GW1's packets take: by the attached programs, or by the stack.
#pragma once

#include <vector>

#include "fd.hpp"
#include "result.hpp"

namespace xfrm_xdp::oracle {

/*
 * Deleting the entries of the flow map would send one packet of each flow through the
 * stack, and the next would be fast again. Instead the pinned links of GW1's devices
 * get another program, which passes everything: whole bursts take the stack, learn
 * their flows on the way, and are fast once the program is back.
 *
 * A program that no device had before, or has any more, makes the kernel write its
 * table of XDP programs again, and wait for all CPUs to have seen it, for 50 ms. So
 * each is attached to another device as well, where nothing ever arrives.
 */
class Switch {
public:
    // In the namespace of the gateway. Where nothing is attached there is no fast
    // path, and the tests of it have to fail.
    static Result<Switch> open();
    static Switch none() { return Switch({}, Fd(), Fd()); }
    // In a namespace with a loopback device that nobody uses: this one for the fast
    // program, another for the other.
    Status keep_fast() { return keep(fast_); }
    Status keep_slow() { return keep(pass_); }
    Status fast() { return set(fast_); }
    Status slow() { return set(pass_); }

private:
    Switch(std::vector<Fd> links, Fd fast, Fd pass)
        : links_(std::move(links)), fast_(std::move(fast)), pass_(std::move(pass))
    {
    }
    Status set(const Fd &program);
    Status keep(const Fd &program);
    std::vector<Fd> links_, kept_;
    Fd fast_, pass_;
};

} // namespace xfrm_xdp::oracle
