// SPDX-License-Identifier: GPL-2.0-or-later
#include "parity.hpp"

#include <fmt/format.h>
#include <linux/xfrm.h>

namespace xfrm_xdp::oracle {
namespace {

// No two scenes have an SPI in common, so that nothing is left of the one before.
constexpr std::uint32_t first_spi = 0x5a000001, to_another = 0x01000000;
// Nobody's: GW1 says so for each packet.
constexpr std::uint16_t service = 4790;

// The inner packet of a tunnel.
Bytes inner(const Address &from, const Address &to, std::uint16_t number)
{
    const Bytes frame =
        make_frame({from_peer(), from, to}, {.size = 100, .id = number, .to_port = service});
    return {frame.begin() + packet::ethernet_length, frame.end()};
}

// Which hosts the inner packet of a frame is of: those of make_scene().
Family inner_family(const Frame &frame)
{
    return frame.esp.next_header == packet::proto_ipv6 ? Family::v6 : Family::v4;
}

Sa base_sa(const Address &source, const Address &destination)
{
    static std::uint32_t spi = first_spi;
    Sa sa;
    sa.source = source;
    sa.destination = destination;
    sa.association = {{esp::Cipher::aes_gcm, packet::pattern(20, 1), {}, 16}, spi++, false};
    sa.request_id = 1;
    // No event of how far the numbers went, where the row is not about that.
    sa.replay_threshold = 1U << 30;
    return sa;
}

Bytes encode(const Sa &sa, const Frame &frame)
{
    auto bytes = esp::encode_frame(sa.association, frame);
    return std::holds_alternative<Bytes>(bytes) ? std::get<Bytes>(bytes) : Bytes();
}

// Without what the kernel takes from a counter of its own, where there may be fragments:
// the number of an IPv4 packet, and with it the checksum.
Bytes unnumbered(Bytes frame)
{
    const bool ipv4 =
        frame.size() >= packet::ethernet_length + packet::ipv4_length && frame[12] == 8;
    if (ipv4 && !(frame[20] & 0x40))
        for (const std::size_t at : {18, 19, 24, 25})
            frame[at] = 0;
    return frame;
}

// Of an ESP frame, what does not depend on the IV; under any high half of its number
// that the rows come to.
std::string decoded(View frame, const esp::Association &sa)
{
    for (const std::uint32_t epoch : {0U, 4U, 5U, 0xffffffffU}) {
        const auto result = esp::decode_frame(sa, frame, epoch);
        const auto *good = std::get_if<esp::DecodedFrame>(&result);
        if (!good)
            continue;
        const std::size_t head = good->trailer.size() + good->esp.iv.size();
        const std::size_t outer =
            packet::ethernet_length + (std::holds_alternative<packet::Ipv4>(good->outer)
                                           ? packet::ipv4_length
                                           : packet::ipv6_length);
        return fmt::format("{} number {:x}:{:x} next header {} padding {} rest {} inside {}",
                           packet::to_hex(frame.first(outer)), sa.esn ? epoch : 0,
                           good->esp.sequence_low, good->esp.next_header,
                           packet::to_hex(good->esp.padding), head,
                           packet::to_hex(good->esp.payload));
    }
    return "does not decrypt: " + packet::to_hex(frame);
}

} // namespace

Template template_of(const Sa &sa)
{
    return {sa.source, sa.destination, sa.mode, sa.protocol, sa.request_id, false};
}

Policy policy_of(const Scene &scene, Way way)
{
    Policy policy;
    policy.source = scene.from;
    policy.destination = scene.to;
    policy.way = way;
    policy.templates = {template_of(scene.sa)};
    return policy;
}

void set_inner(Scene &scene, Family inner)
{
    const Places &hosts = places(inner);
    scene.inner = inner;
    if (inner != scene.outer)
        scene.sa.flags |= XFRM_STATE_AF_UNSPEC;
    if (scene.travel == Travel::outbound) {
        scene.from = hosts.from;
        scene.to = hosts.to;
        scene.policies = {policy_of(scene, Way::out)};
        return;
    }
    scene.from = hosts.to;
    scene.to = hosts.from;
    Policy local = policy_of(scene, Way::in);
    local.destination = peers(inner).local;
    scene.policies = {policy_of(scene, Way::forward), local};
}

void set_transport(Scene &scene)
{
    scene.sa.mode = test::Mode::transport;
    scene.from = scene.sa.source;
    scene.to = scene.sa.destination;
    scene.policies = {policy_of(scene, Way::in)};
}

void set_esn(Scene &scene)
{
    scene.sa.association.esn = true;
    scene.sa.window = 64;
}

void set_bitmap(Scene &scene)
{
    scene.sa.bitmap = true;
    scene.sa.window = 128;
}

Scene make_scene(Travel travel, Family family)
{
    Scene scene;
    scene.travel = travel;
    scene.outer = family;
    const Address &gateway = places(family).gw1, &peer = peers(family).peer;
    scene.sa = travel == Travel::outbound ? base_sa(gateway, peer) : base_sa(peer, gateway);
    set_inner(scene, family);
    return scene;
}

Sa another_sa(const Scene &scene)
{
    Sa sa = scene.sa;
    sa.association.spi += to_another;
    sa.association.algorithm.encryption_key = packet::pattern(20, 9);
    sa.request_id = 2;
    return sa;
}

Frame make_esp(const Scene &scene, std::uint64_t sequence)
{
    Frame frame;
    frame.ethernet = from_peer();
    frame.outer = network(peers(scene.outer).peer, places(scene.outer).gw1);
    frame.esp.payload = inner(scene.from, scene.to, static_cast<std::uint16_t>(sequence));
    const std::size_t header =
        scene.inner == Family::v4 ? packet::ipv4_length : packet::ipv6_length;
    frame.esp.sequence = sequence;
    frame.esp.next_header = scene.inner == Family::v4 ? packet::proto_ipip : packet::proto_ipv6;
    if (scene.sa.mode != test::Mode::tunnel) {
        frame.esp.payload.erase(frame.esp.payload.begin(),
                                frame.esp.payload.begin() + static_cast<long>(header));
        frame.esp.next_header = packet::proto_udp;
    }
    frame.esp.iv = packet::pattern(scene.sa.association.algorithm.iv_length(),
                                   static_cast<std::uint8_t>(sequence));
    return frame;
}

Shot esp_shot(std::uint64_t sequence, FrameChange before, BytesChange after)
{
    return [=](const Scene &scene) {
        Frame frame = make_esp(scene, sequence);
        if (before)
            before(frame);
        Bytes bytes = encode(scene.sa, frame);
        if (after)
            after(bytes);
        return bytes;
    };
}

Shot esp_shot_of(std::function<Sa(const Scene &)> sa, std::uint64_t sequence)
{
    return [=](const Scene &scene) { return encode(sa(scene), make_esp(scene, sequence)); };
}

Shot udp_shot(std::uint64_t sequence, InUdp how)
{
    return [=](const Scene &scene) {
        Frame frame = make_esp(scene, sequence);
        if (how.frame)
            how.frame(frame);
        const auto esp = esp::encode(scene.sa.association, frame.esp);
        packet::Packet whole;
        whole.ethernet = frame.ethernet;
        whole.network = frame.outer;
        whole.transport = packet::Udp{how.source, how.destination, std::nullopt, std::nullopt};
        whole.payload = std::holds_alternative<Bytes>(esp) ? std::get<Bytes>(esp) : Bytes();
        if (how.esp)
            how.esp(whole.payload);
        Bytes bytes = whole.build();
        if (how.datagram)
            how.datagram(bytes);
        return bytes;
    };
}

Shot plain_shot(std::uint16_t number)
{
    return [=](const Scene &scene) {
        const auto ethernet = scene.travel == Travel::inbound ? from_peer() : towards_gw1();
        return make_frame({ethernet, scene.from, scene.to}, {.size = 100, .id = number});
    };
}

void roam(Frame &frame)
{
    if (auto *four = std::get_if<packet::Ipv4>(&frame.outer))
        four->source = std::get<packet::Ipv4Address>(peers(Family::v4).roaming);
    else
        std::get<packet::Ipv6>(frame.outer).source =
            std::get<packet::Ipv6Address>(peers(Family::v6).roaming);
}

FrameChange to_local(std::uint16_t number)
{
    return [=](Frame &frame) {
        const Family family = inner_family(frame);
        const Bytes whole = make_frame({from_peer(), places(family).to, peers(family).local},
                                       {.size = 100, .id = number, .to_port = service});
        frame.esp.payload.assign(whole.begin() + packet::ethernet_length, whole.end());
    };
}

FrameChange from_other(std::uint16_t number)
{
    return [=](Frame &frame) {
        const Family family = inner_family(frame);
        frame.esp.payload = inner(peers(family).other, places(family).from, number);
    };
}

std::vector<std::string> readable(const std::vector<Bytes> &frames, const Scene &scene)
{
    std::vector<std::string> all;
    for (const Bytes &frame : frames)
        all.push_back(scene.travel == Travel::outbound && is_esp(frame)
                          ? decoded(frame, scene.sa.association)
                          : packet::to_hex(unnumbered(frame)));
    return all;
}

} // namespace xfrm_xdp::oracle
