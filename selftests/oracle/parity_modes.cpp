// SPDX-License-Identifier: GPL-2.0-or-later
// Transport mode to GW1 itself, which answers what is for no port of it; BEET mode
// through it.
#include "parity.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr Travel in = Travel::inbound;
constexpr std::uint8_t beet_pseudo_header = 94;

const std::vector<Shot> first{esp_shot(1)};

void beet(Scene &scene)
{
    scene.sa.mode = test::Mode::beet;
    scene.sa.inner_source = scene.from;
    scene.sa.inner_destination = scene.to;
    scene.policies = {policy_of(scene, Way::forward)};
}

std::vector<Shot> around(Shot bad)
{
    return {esp_shot(2), std::move(bad), esp_shot(4)};
}

Shot forged(std::uint64_t sequence)
{
    return esp_shot(sequence, {}, [](Bytes &frame) { frame.back() ^= 1; });
}

Expected forged_one()
{
    return {.mib = {{"XfrmInStateProtoError", 1}},
            .module = {{decrypted, 2}, {"DropIcv", 1}},
            .audit = {"SA-icv-failure"}};
}

Expected replayed_one()
{
    return {.mib = {{"XfrmInStateSeqError", 1}},
            .module = {{decrypted, 2}, {"PuntSaReplay", 1}},
            .audit = {"SA-replayed-pkt"}};
}

Expected answered(Expected expected)
{
    expected.back = 2;
    return expected;
}

Expected forwarded(Expected expected)
{
    expected.out = 2;
    return expected;
}

Status block_local(Stage &stage, const Scene &scene)
{
    Policy policy = policy_of(scene, Way::in);
    if (const Status removed = stage.policies.remove(policy); !removed)
        return removed;
    policy.block = true;
    policy.templates.clear();
    return stage.policies.add(policy);
}

// SAs one inside the other; the stack opens as many as XFRM_MAX_DEPTH.
constexpr std::size_t max_depth = 6;

void nested(Scene &scene)
{
    set_transport(scene);
    for (std::uint8_t depth = 1; depth <= max_depth; depth++) {
        Sa sa = scene.more.empty() ? scene.sa : scene.more.back();
        sa.association.spi += 0x01000000;
        sa.association.algorithm.encryption_key = packet::pattern(20, 9 + depth);
        scene.more.push_back(sa);
    }
}

// ESP by all of them: one more than there may be.
Shot too_deep(std::uint64_t sequence)
{
    return [=](const Scene &scene) {
        Frame frame = make_esp(scene, sequence);
        auto inner = frame.esp;
        for (auto sa = scene.more.rbegin(); sa != scene.more.rend(); ++sa) {
            const auto bytes = esp::encode(sa->association, inner);
            inner = frame.esp;
            inner.payload = std::holds_alternative<Bytes>(bytes) ? std::get<Bytes>(bytes) : Bytes();
            inner.next_header = packet::proto_esp;
        }
        return esp_shot(sequence, [&](Frame &outermost) { outermost.esp = inner; })(scene);
    };
}

std::vector<Row> transport()
{
    return {
        {"transport",
         in,
         set_transport,
         first,
         {},
         {esp_shot(2), esp_shot(3)},
         answered({.module = {{decrypted, 2}}})},
        {"transport_icv", in, set_transport, first, {}, around(forged(3)), answered(forged_one())},
        {"transport_duplicate",
         in,
         set_transport,
         first,
         {},
         around(esp_shot(2)),
         answered(replayed_one())},
        {"transport_dummy",
         in,
         set_transport,
         first,
         {},
         around(esp_shot(3, [](Frame &frame) { frame.esp.next_header = 59; })),
         answered({.mib = {{"XfrmInStateProtoError", 1}},
                   .module = {{decrypted, 2}, {"DropTrailer", 1}}})},
        {"transport_hard_packets",
         in,
         [](Scene &scene) {
             set_transport(scene);
             scene.sa.hard_packets = 3;
         },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4)},
         answered({.mib = {{"XfrmInStateExpired", 1}},
                   .module = {{decrypted, 2}, {"PuntSaExpired", 1}},
                   .events = {"hard expiry"},
                   .audit = {"SAD-delete"},
                   .states = -1})},
        {"transport_policy_blocks",
         in,
         set_transport,
         first,
         block_local,
         {esp_shot(2)},
         {.mib = {{"XfrmInPolBlock", 1}}, .module = {{"PuntRoutes", 1}}}},
        {"transport_too_deep",
         in,
         nested,
         first,
         {},
         around(too_deep(3)),
         answered({.mib = {{"XfrmInBufferError", 1}}, .module = {{decrypted, 3}}})},
        // A protocol that nobody here speaks.
        {"transport_of_the_unknown",
         in,
         set_transport,
         first,
         {},
         around(esp_shot(3, [](Frame &frame) { frame.esp.next_header = 253; })),
         {.module = {{decrypted, 3}}, .back = 3}},
    };
}

std::vector<Row> beets(Family family)
{
    std::vector<Row> all{
        {"beet",
         in,
         beet,
         first,
         {},
         {esp_shot(2), esp_shot(3)},
         forwarded({.module = {{decrypted, 2}}})},
        {"beet_icv", in, beet, first, {}, around(forged(3)), forwarded(forged_one())},
        {"beet_duplicate", in, beet, first, {}, around(esp_shot(2)), forwarded(replayed_one())},
    };
    // Of IPv4 options.
    if (family == Family::v4)
        all.push_back({"beet_pseudo_header",
                       in,
                       beet,
                       first,
                       {},
                       around(esp_shot(3,
                                       [](Frame &frame) {
                                           frame.esp.next_header = beet_pseudo_header;
                                           frame.esp.payload[1] = 0xff; // header length
                                           frame.esp.payload[2] = 0xff; // padding
                                       })),
                       forwarded({.mib = {{"XfrmInStateModeError", 1}},
                                  .module = {{decrypted, 2}, {"DropMode", 1}}})});
    return all;
}

} // namespace

std::vector<Row> mode_rows(Family family)
{
    std::vector<Row> all = transport();
    for (Row &row : beets(family))
        all.push_back(std::move(row));
    return all;
}

} // namespace xfrm_xdp::oracle
