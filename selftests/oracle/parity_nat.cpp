// SPDX-License-Identifier: GPL-2.0-or-later
// ESP in UDP where it should not be, and from where it was not before.
#include <algorithm>

#include "parity.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr Travel in = Travel::inbound;

void nat(Scene &scene)
{
    scene.sa.encapsulation_port = 4500;
}

const std::vector<Shot> first{udp_shot(1)}, first_plain{esp_shot(1)};

// Two good packets, and one that nothing is counted of in XDP.
Expected mismatch()
{
    return {.mib = {{"XfrmInStateMismatch", 1}}, .module = {{decrypted, 2}}, .out = 2};
}

Expected moved()
{
    return {.module = {{decrypted, 2}}, .out = 3, .events = {"mapping"}};
}

// Two good packets, and one that does not get as far as XFRM.
Expected not_for_xfrm(Counters seen)
{
    seen[decrypted] = 2;
    return {.module = std::move(seen), .out = 2};
}

Expected forged()
{
    return {.mib = {{"XfrmInStateProtoError", 1}},
            .module = {{decrypted, 2}, {"DropIcv", 1}},
            .out = 2,
            .audit = {"SA-icv-failure"}};
}

Expected too_short()
{
    return {.mib = {{"XfrmInStateProtoError", 1}},
            .module = {{decrypted, 2}, {"PuntEspShort", 1}},
            .out = 2};
}

Shot cut_to(std::size_t size)
{
    return udp_shot(3, {.esp = [size](Bytes &esp) { esp.resize(size); }});
}

std::vector<Shot> around(Shot bad)
{
    return {udp_shot(2), std::move(bad), udp_shot(4)};
}

// Of the UDP header, whatever is in front of it.
std::size_t udp_at(const Bytes &frame)
{
    return packet::ethernet_length + (frame[12] == 8 ? packet::ipv4_length : packet::ipv6_length);
}

BytesChange in_udp(std::size_t offset, std::uint8_t mask)
{
    return [=](Bytes &frame) { frame[udp_at(frame) + offset] ^= mask; };
}

} // namespace

std::vector<Row> nat_rows(Family family)
{
    // Of what is shorter than two IP headers less UDP's, the kernel says nothing.
    const bool v4 = family == Family::v4;
    return {
        {"in_udp",
         in,
         nat,
         first,
         {},
         {udp_shot(2), udp_shot(3)},
         {.module = {{decrypted, 2}}, .out = 2}},
        {"plain_esp_for_nat_sa", in, nat, first, {}, around(esp_shot(3)), mismatch()},
        {"udp_for_plain_sa",
         in,
         {},
         first_plain,
         {},
         {esp_shot(2), udp_shot(3), esp_shot(4)},
         mismatch()},
        {"port_changed", in, nat, first, {}, around(udp_shot(3, {.source = 4501})), moved()},
        {"address_changed", in, nat, first, {}, around(udp_shot(3, {.frame = roam})), moved()},
        {"port_changed_for_good",
         in,
         nat,
         first,
         {},
         {udp_shot(2), udp_shot(3, {.source = 4501}), udp_shot(4, {.source = 4501})},
         {.module = {{decrypted, 1}}, .out = 3, .events = {"mapping", "mapping"}}},
        {"udp_checksum",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.datagram = in_udp(6, 0x40)})),
         not_for_xfrm({{"PuntEncap", 1}})},
        {"udp_length",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.datagram = in_udp(5, 0x80)})),
         not_for_xfrm({{"PuntEncap", 1}})},
        {"icv_in_udp",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.esp = [](Bytes &esp) { esp.back() ^= 1; }})),
         forged()},
        {"unknown_spi_in_udp",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.esp = [](Bytes &esp) { esp[0] ^= 0x80; }})),
         {.mib = {{"XfrmInNoStates", 1}},
          .module = {{decrypted, 2}},
          .out = 2,
          .audit = {"SA-notfound"}}},
        // Then it is for who negotiates keys.
        {"spi_zero_in_udp",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.esp = [](Bytes &esp) { std::fill_n(esp.begin(), 4, 0); }})),
         not_for_xfrm({})},
        {"keepalive",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.esp = [](Bytes &esp) { esp = {0xff}; }})),
         not_for_xfrm({})},
        {"esp_header_cut_in_udp",
         in,
         nat,
         first,
         {},
         around(udp_shot(3, {.esp = [](Bytes &esp) { esp.resize(8); }})),
         not_for_xfrm({})},
        {"iv_cut_in_udp",
         in,
         nat,
         first,
         {},
         around(cut_to(12)),
         not_for_xfrm({{"PuntEspShort", 1}})},
        {"icv_cut_in_udp",
         in,
         nat,
         first,
         {},
         around(cut_to(24)),
         v4 ? too_short() : not_for_xfrm({{"PuntEspShort", 1}})},
        // As short as ESP may be.
        {"shortest_in_udp",
         in,
         nat,
         first,
         {},
         around(cut_to(36)),
         v4 ? forged() : not_for_xfrm({{"PuntEspShort", 1}})},
        {"duplicate_in_udp",
         in,
         nat,
         first,
         {},
         around(udp_shot(2)),
         {.mib = {{"XfrmInStateSeqError", 1}},
          .module = {{decrypted, 2}, {"PuntSaReplay", 1}},
          .out = 2,
          .audit = {"SA-replayed-pkt"}}},
        {"hard_packets_in_udp",
         in,
         [](Scene &scene) {
             nat(scene);
             scene.sa.hard_packets = 2;
         },
         first,
         {},
         {udp_shot(2), udp_shot(3)},
         {.mib = {{"XfrmInStateExpired", 1}},
          .module = {{decrypted, 1}, {"PuntSaExpired", 1}},
          .out = 1,
          .events = {"hard expiry"},
          .audit = {"SAD-delete"},
          .states = -1}},
    };
}

} // namespace xfrm_xdp::oracle
