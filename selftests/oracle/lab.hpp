// SPDX-License-Identifier: GPL-2.0-or-later
// The topology that oracle.sh has set up, as the test sees it: five namespaces,
// where frames go in and come out, the SAs of all hosts, the counters of GW1.
#pragma once

#include <string>
#include <vector>

#include "counter_file.hpp"
#include "fd.hpp"
#include "packet.hpp"
#include "policy.hpp"
#include "result.hpp"
#include "sa.hpp"
#include "switch.hpp"
#include "tap.hpp"

namespace xfrm_xdp::oracle {

using test::Address;
using test::Sa;
using test::SaTable;

enum class Family { v4, v6 };

/*
 *   HA -------- GW1 ======== WIRE ======== GW2 -------- HB
 *   eth0    lan     wire   g1    g2    wire     lan    eth0
 *
 * Packets are from and to hosts behind HA and HB that do not exist: what arrives
 * for them is seen by the taps, and nobody answers it.
 */
struct Places {
    Address gw1, gw2;     // ends of tunnels
    Address from, to;     // nobody behind HA, nobody behind HB
    Address host;         // HB itself: the end of transport mode
    Address by_interface; // nobody behind HB, by GW1's xfrm interface
};

const Places &places(Family family);

// Of a frame that a host hands to its gateway.
packet::Ethernet towards_gw1(); // from HA
packet::Ethernet towards_gw2(); // from HB

// One host that does IPsec: its SAs, policies and counters, and what is delivered to
// it. Opened in its namespace.
struct Host {
    // @own: its address that datagrams are listened for at.
    static Result<Host> open(Address Places::*own);
    // No SA, no policy.
    Status flush();
    Tap &local(Family family) { return family == Family::v4 ? local4 : local6; }

    SaTable states;
    PolicyTable policies;
    CounterFile mib;
    Tap local4, local6;
    std::vector<Fd> ports; // bound: 4500 for ESP in UDP, the port of the test's packets
};

struct Lab {
    // @prefix: what the names of the namespaces begin with, "xx123" of "xx123-gw1".
    static Result<Lab> open(const std::string &prefix);

    Host gw1, gw2, hb;
    CounterFile module; // of GW1
    Tap ha, g1, g2, hb_lan;
    Switch fast_path;
};

} // namespace xfrm_xdp::oracle
