// SPDX-License-Identifier: GPL-2.0-or-later
#include "bad_packets.hpp"

namespace xfrm_xdp::test {
namespace {

using packet::Ipv4;
using packet::Ipv6;
using Frame = esp::TunnelFrame;

constexpr std::size_t l3 = packet::ethernet_length;

const Tunnel gcm4{algorithm("gcm128"), false, Family::v4, Family::v4};
const Tunnel gcm6{algorithm("gcm128"), false, Family::v4, Family::v6};
const Tunnel cbc4{algorithm("cbc128_sha256_128"), false, Family::v4, Family::v4};
const Tunnel esn4{algorithm("cbc128_sha256_128"), true, Family::v4, Family::v4};
const Tunnel mixed{algorithm("gcm128"), false, Family::v6, Family::v4};

// A change of the frame before it is encoded.
auto before(std::function<void(Frame &)> change)
{
    return [change](const Sa &sa, Frame frame) {
        change(frame);
        return encode(sa, frame);
    };
}

auto outer4(std::function<void(Ipv4 &)> change)
{
    return before([change](Frame &frame) { change(std::get<Ipv4>(frame.outer)); });
}

auto outer6(std::function<void(Ipv6 &)> change)
{
    return before([change](Frame &frame) { change(std::get<Ipv6>(frame.outer)); });
}

// A change of the bytes.
auto after(std::function<void(Bytes &)> change)
{
    return [change](const Sa &sa, const Frame &frame) {
        Bytes bytes = encode(sa, frame);
        change(bytes);
        return bytes;
    };
}

// The ESP part cut to @size bytes, in an outer packet that says so.
auto cut_to(std::size_t size)
{
    return [size](const Sa &sa, const Frame &frame) {
        const auto esp = std::get<Bytes>(esp::encode(sa.association, frame.esp));
        packet::Packet whole{frame.ethernet, frame.outer, packet::Raw{packet::proto_esp},
                             Bytes(esp.begin(), esp.begin() + static_cast<long>(size))};
        return whole.build();
    };
}

// The same, with that many bytes missing from the end.
auto cut_by(std::size_t missing)
{
    return [missing](const Sa &sa, const Frame &frame) {
        const auto esp = std::get<Bytes>(esp::encode(sa.association, frame.esp));
        return cut_to(esp.size() - missing)(sa, frame);
    };
}

// Ciphertext that is not whole blocks, under an ICV that is right.
Bytes misaligned(const Sa &sa, const Frame &frame)
{
    const auto &algorithm = sa.association.algorithm;
    auto esp = std::get<Bytes>(esp::encode(sa.association, frame.esp));
    esp.resize(esp.size() - algorithm.icv_length - 3);
    Bytes icv = esp::hmac_sha256(algorithm.authentication_key, esp);
    icv.resize(algorithm.icv_length);
    esp.insert(esp.end(), icv.begin(), icv.end());
    return packet::Packet{frame.ethernet, frame.outer, packet::Raw{packet::proto_esp}, esp}.build();
}

void payload(Frame &frame, std::size_t size)
{
    frame.esp.payload.resize(size);
}

std::vector<BadPacket> outer_headers()
{
    constexpr auto punt = XFRM_XDP_PUNT;
    constexpr auto header = XFRM_XDP_R_PUNT_IP_HEADER;
    constexpr auto options = XFRM_XDP_R_PUNT_IP_OPTIONS;
    constexpr auto fragment = XFRM_XDP_R_PUNT_FRAGMENT;
    constexpr auto not_ip = XFRM_XDP_R_PUNT_NOT_IP;
    return {
        {"version_5", gcm4, outer4([](Ipv4 &ip) { ip.version = 5; }), punt, header, ""},
        {"version_6_in_v4", gcm4, outer4([](Ipv4 &ip) { ip.version = 6; }), punt, header, ""},
        {"ihl_4", gcm4, outer4([](Ipv4 &ip) { ip.header_words = 4; }), punt, header, ""},
        {"ihl_0", gcm4, outer4([](Ipv4 &ip) { ip.header_words = 0; }), punt, header, ""},
        {"ihl_15_lies", gcm4, outer4([](Ipv4 &ip) { ip.header_words = 15; }), punt, options, ""},
        {"options", gcm4, outer4([](Ipv4 &ip) { ip.options = Bytes(4, 1); }), punt, options, ""},
        {"total_length_zero", gcm4, outer4([](Ipv4 &ip) { ip.total_length = 0; }), punt, header,
         ""},
        {"total_length_19", gcm4, outer4([](Ipv4 &ip) { ip.total_length = 19; }), punt, header, ""},
        {"total_length_past_end", gcm4, outer4([](Ipv4 &ip) { ip.total_length = 0xffff; }), punt,
         header, ""},
        {"total_length_one_past_end", gcm4, after([](Bytes &frame) { frame.pop_back(); }), punt,
         header, ""},
        {"checksum", gcm4, outer4([](Ipv4 &ip) { ip.checksum = 0x1111; }), punt, header, ""},
        {"first_fragment", gcm4,
         outer4([](Ipv4 &ip) { ip.fragment = packet::ipv4_more_fragments; }), punt, fragment, ""},
        {"last_fragment", gcm4, outer4([](Ipv4 &ip) { ip.fragment = 100; }), punt, fragment, ""},
        {"udp", gcm4, outer4([](Ipv4 &ip) { ip.protocol = packet::proto_udp; }), punt,
         XFRM_XDP_R_PUNT_ENCAP, ""},
        {"version_4_in_v6", gcm6, outer6([](Ipv6 &ip) { ip.version = 4; }), punt, header, ""},
        {"payload_length_past_end", gcm6, outer6([](Ipv6 &ip) { ip.payload_length = 0xffff; }),
         punt, header, ""},
        {"payload_length_zero", gcm6, outer6([](Ipv6 &ip) { ip.payload_length = 0; }), punt, header,
         ""},
        {"hop_by_hop", gcm6, outer6([](Ipv6 &ip) { ip.next_header = 0; }), punt, options, ""},
        {"routing_header", gcm6, outer6([](Ipv6 &ip) { ip.next_header = 43; }), punt, options, ""},
        {"fragment_header", gcm6, outer6([](Ipv6 &ip) { ip.next_header = 44; }), punt, fragment,
         ""},
        {"arp", gcm4, before([](Frame &frame) { frame.ethernet.type = 0x0806; }), punt, not_ip, ""},
        {"vlan", gcm4, before([](Frame &frame) { frame.ethernet.type = 0x8100; }), punt, not_ip,
         ""},
        {"ethertype_of_the_other_family", gcm4,
         before([](Frame &frame) { frame.ethernet.type = packet::ethertype_ipv6; }), punt, header,
         ""},
        {"nothing_behind_ethernet", gcm4, after([](Bytes &frame) { frame.resize(l3); }), punt,
         header, ""},
        {"half_an_ip_header", gcm4, after([](Bytes &frame) { frame.resize(l3 + 10); }), punt,
         header, ""},
        {"half_an_ipv6_header", gcm6, after([](Bytes &frame) { frame.resize(l3 + 39); }), punt,
         header, ""},
    };
}

std::vector<BadPacket> short_esp()
{
    constexpr auto punt = XFRM_XDP_PUNT;
    constexpr auto drop = XFRM_XDP_DROP;
    constexpr auto header = XFRM_XDP_R_PUNT_IP_HEADER;
    constexpr auto brief = XFRM_XDP_R_PUNT_ESP_SHORT;
    constexpr auto icv = XFRM_XDP_R_DROP_ICV;
    const std::string proto = "XfrmInStateProtoError";
    return {
        {"no_esp", gcm4, cut_to(0), punt, header, ""},
        {"half_an_esp_header", gcm4, cut_to(7), punt, header, ""},
        {"only_an_esp_header", gcm4, cut_to(8), punt, brief, ""},
        {"half_an_iv", gcm4, cut_to(12), punt, brief, ""},
        {"only_an_iv", gcm4, cut_to(16), punt, brief, ""},
        {"half_an_icv", gcm4, cut_to(24), punt, brief, ""},
        {"only_an_icv", gcm4, cut_to(32), punt, brief, ""},
        {"half_a_trailer", gcm4, cut_to(33), punt, brief, ""},
        {"one_byte_too_short", gcm4, cut_to(35), punt, brief, ""},
        {"least_that_may_be_esp", gcm4, cut_to(36), drop, icv, proto},
        {"only_an_icv_cbc", cbc4, cut_to(40), punt, brief, ""},
        {"one_byte_less_than_a_block", cbc4, cut_to(55), punt, brief, ""},
        {"one_block", cbc4, cut_to(56), drop, icv, proto},
        {"only_an_icv_v6", gcm6, cut_to(32), punt, brief, ""},
        {"icv_cut_by_1", gcm4, cut_by(1), drop, icv, proto},
        {"icv_cut_by_4", gcm4, cut_by(4), drop, icv, proto},
        {"icv_cut_off", gcm4, cut_by(16), drop, icv, proto},
        {"icv_cut_by_1_cbc", cbc4, cut_by(1), drop, icv, proto},
        {"icv_cut_off_cbc", cbc4, cut_by(16), drop, icv, proto},
        {"icv_cut_by_4_v6", gcm6, cut_by(4), drop, icv, proto},
        {"icv_cut_by_4_esn", esn4, cut_by(4), drop, icv, proto},
    };
}

std::vector<BadPacket> forged()
{
    constexpr auto drop = XFRM_XDP_DROP;
    constexpr auto icv = XFRM_XDP_R_DROP_ICV;
    const std::string proto = "XfrmInStateProtoError";
    std::vector<BadPacket> all;
    for (const Tunnel &tunnel : {gcm4, gcm6, cbc4, esn4}) {
        const std::size_t esp = l3 + (tunnel.outer == Family::v4 ? 20 : 40);
        const auto flip = [](std::size_t at) {
            return after([at](Bytes &frame) { frame[at] ^= 0x40; });
        };
        const std::string name = "_" + tunnel.name();
        all.push_back({"flipped_sequence" + name, tunnel, flip(esp + 7), drop, icv, proto});
        all.push_back({"flipped_iv" + name, tunnel, flip(esp + 8), drop, icv, proto});
        all.push_back({"flipped_ciphertext" + name, tunnel, flip(esp + 30), drop, icv, proto});
        all.push_back({"flipped_icv" + name, tunnel, after([](Bytes &frame) { frame.back() ^= 1; }),
                       drop, icv, proto});
        all.push_back({"another_key" + name, tunnel,
                       [](Sa sa, const Frame &frame) {
                           sa.association.algorithm.encryption_key[0] ^= 1;
                           if (!sa.association.algorithm.authentication_key.empty())
                               sa.association.algorithm.authentication_key[0] ^= 1;
                           return encode(sa, frame);
                       },
                       drop, icv, proto});
    }
    all.push_back({"another_epoch", esn4,
                   before([](Frame &frame) { frame.esp.sequence += 1ULL << 32; }), drop, icv,
                   proto});
    return all;
}

// Right ICV, wrong inside.
std::vector<BadPacket> authentic()
{
    constexpr auto drop = XFRM_XDP_DROP;
    constexpr auto trailer = XFRM_XDP_R_DROP_TRAILER;
    constexpr auto mode = XFRM_XDP_R_DROP_MODE;
    const std::string proto = "XfrmInStateProtoError";
    const std::string mode_error = "XfrmInStateModeError";
    const auto next_header = [](std::uint8_t value) {
        return before([value](Frame &frame) { frame.esp.next_header = value; });
    };
    const auto pad_length = [](std::uint8_t value) {
        return before([value](Frame &frame) { frame.esp.pad_length = value; });
    };
    return {
        {"padding_longer_than_the_packet", gcm4, pad_length(255), drop, trailer, proto},
        {"padding_longer_than_the_packet_cbc", cbc4, pad_length(255), drop, trailer, proto},
        {"padding_longer_than_the_packet_v6", gcm6, pad_length(255), drop, trailer, proto},
        // 100 bytes of payload, two of padding: 102 would leave nothing.
        {"padding_that_leaves_nothing", gcm4, pad_length(102), drop, trailer, proto},
        {"padding_that_leaves_one_byte", gcm4, pad_length(101), drop, mode, mode_error},
        {"dummy_packet", gcm4, next_header(59), drop, trailer, proto},
        {"dummy_packet_cbc_esn", esn4, next_header(59), drop, trailer, proto},
        {"transport_inside", gcm4, next_header(packet::proto_udp), drop, mode, mode_error},
        {"esp_inside", gcm4, next_header(packet::proto_esp), drop, mode, mode_error},
        {"hop_by_hop_inside", gcm6, next_header(0), drop, mode, mode_error},
        {"inner_ipv4_header_cut", gcm4, before([](Frame &frame) { payload(frame, 19); }), drop,
         mode, mode_error},
        {"inner_ipv6_header_cut", mixed, before([](Frame &frame) { payload(frame, 39); }), drop,
         mode, mode_error},
        {"ciphertext_not_whole_blocks", cbc4, misaligned, drop, XFRM_XDP_R_DROP_CRYPTO, proto},
    };
}

void append(std::vector<BadPacket> &all, std::vector<BadPacket> more)
{
    for (auto &packet : more)
        all.push_back(std::move(packet));
}

} // namespace

void PrintTo(const BadPacket &bad, std::ostream *out)
{
    *out << bad.name;
}

std::vector<BadPacket> bad_packets()
{
    std::vector<BadPacket> all = outer_headers();
    append(all, short_esp());
    append(all, forged());
    append(all, authentic());
    return all;
}

} // namespace xfrm_xdp::test
