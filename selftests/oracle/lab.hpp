// SPDX-License-Identifier: GPL-2.0-or-later
// The topology that oracle.sh has set up, as the test sees it: five namespaces,
// where frames go in and come out, the SAs of all hosts, the counters of GW1.
#pragma once

#include <memory>
#include <string>

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
    Address gw1, gw2; // ends of tunnels
    Address from, to; // nobody behind HA, nobody behind HB
    Address host;     // HB itself: the end of transport mode
};

const Places &places(Family family);

// Of a frame that a host hands to its gateway.
packet::Ethernet towards_gw1(); // from HA
packet::Ethernet towards_gw2(); // from HB

// SAs and policies of one host.
struct Keys {
    SaTable states;
    PolicyTable policies;
    // No SA, no policy.
    Status flush();
};

class Lab {
public:
    // @prefix: what the names of the namespaces begin with, "xx123" of "xx123-gw1".
    static Result<std::unique_ptr<Lab>> open(const std::string &prefix);

    Keys gw1, gw2, hb;
    CounterFile gw1_mib, gw2_mib, hb_mib, module;
    Tap ha, g1, g2, hb_lan;
    Switch fast_path;

private:
    struct Parts;
    Lab(Keys one, Keys two, Keys three, Parts parts);
};

} // namespace xfrm_xdp::oracle
