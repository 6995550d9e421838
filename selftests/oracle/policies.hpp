// SPDX-License-Identifier: GPL-2.0-or-later
// Random sets of security policies, and packets that they may be for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy.hpp"
#include "random.hpp"
#include "stage.hpp"

namespace xfrm_xdp::oracle {

// What policies select by, and how it comes to GW1.
struct Probe {
    Address from, to;
    std::uint8_t protocol = packet::proto_udp;
    std::uint16_t source_port = 0, destination_port = 0; // ICMP: type, identifier
    std::size_t length = 0;                              // of the packet: no two have the same
    std::uint32_t request_id = 0;                        // of the SA that it comes by, 0: none
};

struct PolicySet {
    Travel travel = Travel::outbound;
    Family family = Family::v4;
    std::vector<Policy> policies;
    std::vector<Probe> probes;
};

// A rule of policies.sh marks datagrams to that port.
inline constexpr std::uint16_t marked_port = 4795, mark_of_port = 5;

// The SAs that all policies are about, by their request id; one more for the xfrm interface.
std::vector<Sa> outbound_sas();
std::vector<Sa> inbound_sas();

PolicySet random_policy_set(Generator &random);
Policy random_policy(Generator &random, const PolicySet &set);

// What is sent for a probe; SAs that it comes by count on.
using Sequences = std::map<std::uint32_t, std::uint64_t>;
Bytes frame_of(const Probe &probe, const PolicySet &set, Sequences &sequences);

// What a frame is that GW1 has sent: the probe's number, and "clear" or the SPI.
struct Sighting {
    std::size_t probe;
    std::string how;
};
std::optional<Sighting> recognise(View frame, const PolicySet &set);

std::string show(const Policy &policy);
std::string show(const Probe &probe);

} // namespace xfrm_xdp::oracle
