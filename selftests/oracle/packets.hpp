// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of inner packets: what is compared in a cell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab.hpp"
#include "packet.hpp"

namespace xfrm_xdp::oracle {

using packet::Bytes;
using packet::View;

// From whom to whom, and through which gateway.
struct Path {
    packet::Ethernet ethernet;
    Address source, destination;
    bool datagrams = false; // nothing but UDP: a real host would answer
};

struct Shape {
    std::size_t size = 100; // of the IP packet, 28 (IPv4) or 48 (IPv6) and more
    std::uint8_t tos = 0;
    std::uint8_t ttl = 64;
    bool df = true; // IPv4
    std::uint16_t id = 0;
    std::uint32_t flow_label = 0; // IPv6
    std::uint8_t protocol = packet::proto_udp;
    std::uint16_t port = 4000; // source port; ICMP: identifier
    std::uint16_t to_port = 4789;
};

packet::Network network(const Address &from, const Address &to, const Shape &shape = {});
Bytes make_frame(const Path &path, const Shape &shape);

// The last of a burst: when it has arrived so have the others.
Bytes marker(const Path &path);
bool is_marker(View bytes);

// A burst that is sent at once. Without a marker.
struct Burst {
    std::string name;
    std::vector<Bytes> frames{};
    // So that the programs know the flow of all, even of those that do not fit.
    bool one_flow = true;
    bool stack = false; // nothing of it is for the fast path: options, fragments, TTL
};

// Every residue of the block size, all of ECN, DSCP, TTL, DF, flow labels, protocols.
Burst plain_burst(const Path &path);
// The product instead of a covering set.
Burst full_burst(const Path &path);
// Every size up to the MTU.
Burst size_burst(const Path &path);
// Sizes around what the path takes: those that fit, and those that do not.
Burst mtu_burst(const Path &path);
// What the stack has to do: TTL that ends, options, extension headers, fragments.
Burst stack_burst(const Path &path);

// Each ECN codepoint four times, with different DSCP.
Burst ecn_burst(const Path &path);
// The outer header, with its checksum.
void set_tos(Bytes &frame, std::uint8_t tos);

Family family_of(const Path &path);

} // namespace xfrm_xdp::oracle
