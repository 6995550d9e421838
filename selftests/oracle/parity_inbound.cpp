// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with SAs that decrypt, and with their packets.
#include <algorithm>

#include "parity.hpp"

namespace xfrm_xdp::oracle {
namespace {

using test::Direction;

constexpr Travel in = Travel::inbound;
constexpr std::uint64_t epoch = 1ULL << 32;
const std::string replayed = "SA-replayed-pkt", not_found = "SA-notfound",
                  forged = "SA-icv-failure", deleted = "SAD-delete";

const std::vector<Shot> first{esp_shot(1)};

Sa with_spi(const Scene &scene, std::uint32_t spi)
{
    Sa sa = scene.sa;
    sa.association.spi = spi;
    return sa;
}

Shot for_spi(std::uint32_t spi, std::uint64_t sequence)
{
    return esp_shot_of([=](const Scene &scene) { return with_spi(scene, spi); }, sequence);
}

BytesChange flip_from_end(std::size_t distance)
{
    return [=](Bytes &frame) { frame[frame.size() - distance] ^= 1; };
}

Expected fine(std::size_t packets)
{
    return {.module = {{decrypted, packets}}, .out = packets};
}

Expected dropped(const char *reason)
{
    return {.mib = {{"XfrmInStateProtoError", 1}},
            .module = {{decrypted, 2}, {reason, 1}},
            .out = 2,
            .audit = reason == std::string("DropIcv") ? std::vector{forged}
                                                      : std::vector<std::string>{}};
}

// Two good packets, and one that the window does not let through.
Expected outside_window()
{
    return {.mib = {{"XfrmInStateSeqError", 1}},
            .module = {{decrypted, 2}, {"PuntSaReplay", 1}},
            .out = 2,
            .audit = {replayed}};
}

// Two good packets, and one that is of no SA: nothing of it is counted in XDP.
Expected unknown()
{
    return {
        .mib = {{"XfrmInNoStates", 1}}, .module = {{decrypted, 2}}, .out = 2, .audit = {not_found}};
}

Expected expired(std::size_t good, std::vector<std::string> events = {"hard expiry"})
{
    return {.mib = {{"XfrmInStateExpired", 1}},
            .module = {{decrypted, good}, {"PuntSaExpired", 1}},
            .out = good,
            .events = std::move(events),
            .audit = {deleted},
            .states = -1};
}

Status remove(Stage &stage, const Scene &scene)
{
    return stage.states.remove(scene.sa);
}

std::vector<Row> spis()
{
    return {
        {"unknown_spi",
         in,
         {},
         first,
         {},
         {esp_shot(2), for_spi(0x9eef, 3), esp_shot(4)},
         unknown()},
        {"spi_zero", in, {}, first, {}, {esp_shot(2), for_spi(0, 3), esp_shot(4)}, unknown()},
        // An SPI that the key manager has asked for: an SA without keys as yet.
        {"acquired_spi",
         in,
         {},
         first,
         [](Stage &stage, const Scene &scene) {
             return stage.monitor.reserve(with_spi(scene, 0x9a77));
         },
         {esp_shot(2), for_spi(0x9a77, 3), esp_shot(4)},
         {.mib = {{"XfrmAcquireError", 1}}, .module = {{decrypted, 2}}, .out = 2, .states = 1}},
        {"wrong_direction",
         in,
         [](Scene &scene) {
             Sa sa = another_sa(scene);
             sa.direction = Direction::out;
             sa.window = 0;
             scene.more = {sa};
         },
         first,
         {},
         {esp_shot(2), esp_shot_of(another_sa, 3), esp_shot(4)},
         {.mib = {{"XfrmInStateDirError", 1}},
          .module = {{decrypted, 2}},
          .out = 2,
          .audit = {not_found}}},
        {"deleted",
         in,
         {},
         first,
         remove,
         {esp_shot(2)},
         {.mib = {{"XfrmInNoStates", 1}},
          .module = {{"PuntSaState+PuntNotLearned", 1}},
          .audit = {not_found},
          .states = -1}},
        {"replaced_under_its_spi",
         in,
         {},
         first,
         [](Stage &stage, const Scene &scene) {
             if (const Status removed = remove(stage, scene); !removed)
                 return removed;
             return stage.states.add(scene.sa);
         },
         {esp_shot(1), esp_shot(2)},
         {.module = {{"PuntSaState+PuntNotLearned", 1}, {decrypted, 1}}, .out = 2}},
        {"for_another_host",
         in,
         {},
         first,
         {},
         {esp_shot(2),
          esp_shot(3,
                   [](Frame &frame) {
                       frame.ethernet.destination = {{2, 0, 0, 0, 0x0f, 0x77}};
                   }),
          esp_shot(4)},
         {.module = {{decrypted, 2}, {"PuntNotHost", 1}}, .out = 2}},
        {"from_another_address",
         in,
         {},
         first,
         {},
         {esp_shot(2), esp_shot(3, roam), esp_shot(4)},
         {.module = {{decrypted, 2}}, .out = 3}},
    };
}

std::vector<Row> icvs()
{
    return {
        {"icv_first_byte",
         in,
         {},
         first,
         {},
         {esp_shot(2), esp_shot(3, {}, flip_from_end(16)), esp_shot(4)},
         dropped("DropIcv")},
        {"icv_last_byte",
         in,
         {},
         first,
         {},
         {esp_shot(2), esp_shot(3, {}, flip_from_end(1)), esp_shot(4)},
         dropped("DropIcv")},
        {"esn_icv",
         in,
         set_esn,
         first,
         {},
         {esp_shot(2), esp_shot(3, {}, flip_from_end(1)), esp_shot(4)},
         dropped("DropIcv")},
        {"esn_wrong_high_half",
         in,
         set_esn,
         first,
         {},
         {esp_shot(2), esp_shot(epoch + 3), esp_shot(4)},
         dropped("DropIcv")},
        // Left of the window is the next epoch, as far as ESN can tell.
        {"esn_left_of_window",
         in,
         set_esn,
         first,
         {},
         {esp_shot(200), esp_shot(2), esp_shot(201)},
         dropped("DropIcv")},
        {"padding_past_the_packet",
         in,
         {},
         first,
         {},
         {esp_shot(2), esp_shot(3, [](Frame &frame) { frame.esp.pad_length = 255; }), esp_shot(4)},
         dropped("DropTrailer")},
        {"dummy",
         in,
         {},
         first,
         {},
         {esp_shot(2), esp_shot(3, [](Frame &frame) { frame.esp.next_header = 59; }), esp_shot(4)},
         dropped("DropTrailer")},
    };
}

std::vector<Row> replays()
{
    const auto duplicate = std::vector{esp_shot(2), esp_shot(2), esp_shot(3)};
    const auto left = std::vector{esp_shot(200), esp_shot(2), esp_shot(201)};
    const auto zero = std::vector{esp_shot(2), esp_shot(0), esp_shot(3)};
    const auto window = [](std::uint32_t size) {
        return [=](Scene &scene) { scene.sa.window = size; };
    };
    return {
        {"duplicate", in, {}, first, {}, duplicate, outside_window()},
        {"duplicate_bitmap", in, set_bitmap, first, {}, duplicate, outside_window()},
        {"duplicate_esn", in, set_esn, first, {}, duplicate, outside_window()},
        {"left_of_window", in, {}, first, {}, left, outside_window()},
        {"left_of_window_bitmap", in, set_bitmap, first, {}, left, outside_window()},
        {"sequence_zero", in, {}, first, {}, zero, outside_window()},
        {"sequence_zero_bitmap", in, set_bitmap, first, {}, zero, outside_window()},
        {"sequence_zero_esn", in, set_esn, first, {}, zero, outside_window()},
        {"last_of_window", in, {}, first, {}, {esp_shot(100), esp_shot(69), esp_shot(70)}, fine(3)},
        {"first_left_of_window",
         in,
         {},
         first,
         {},
         {esp_shot(100), esp_shot(68), esp_shot(69)},
         outside_window()},
        {"no_window", in, window(0), first, {}, duplicate, fine(3)},
        {"esn_wrap",
         in,
         [](Scene &scene) {
             set_esn(scene);
             scene.sa.replay.seq = 0xfffffff0;
         },
         {esp_shot(0xfffffff8)},
         {},
         {esp_shot(0xfffffffe), esp_shot(epoch + 5), esp_shot(0xffffffff)},
         fine(3)},
        {"replay_threshold",
         in,
         [](Scene &scene) { scene.sa.replay_threshold = 2; },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4), esp_shot(9)},
         {.module = {{decrypted, 4}}, .out = 4, .events = {"replay", "replay", "replay"}}},
        {"replay_threshold_esn",
         in,
         [](Scene &scene) {
             set_esn(scene);
             scene.sa.replay_threshold = 2;
         },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4)},
         {.module = {{decrypted, 3}}, .out = 3, .events = {"replay", "replay"}}},
    };
}

// An inner packet of 100 bytes is counted as such, the first was learned from.
std::vector<Row> lifetimes()
{
    return {
        {"soft_packets",
         in,
         [](Scene &scene) { scene.sa.soft_packets = 3; },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4), esp_shot(5)},
         {.module = {{decrypted, 4}}, .out = 4, .events = {"soft expiry"}}},
        {"hard_packets",
         in,
         [](Scene &scene) { scene.sa.hard_packets = 3; },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4)},
         expired(2)},
        {"soft_bytes",
         in,
         [](Scene &scene) { scene.sa.soft_bytes = 250; },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4), esp_shot(5)},
         {.module = {{decrypted, 4}}, .out = 4, .events = {"soft expiry"}}},
        {"hard_bytes",
         in,
         [](Scene &scene) { scene.sa.hard_bytes = 250; },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4)},
         expired(2)},
        {"soft_then_hard",
         in,
         [](Scene &scene) {
             scene.sa.soft_packets = 2;
             scene.sa.hard_bytes = 300;
         },
         first,
         {},
         {esp_shot(2), esp_shot(3), esp_shot(4)},
         expired(2, {"soft expiry", "hard expiry"})},
        {"replayed_at_its_end",
         in,
         [](Scene &scene) { scene.sa.hard_packets = 2; },
         first,
         {},
         {esp_shot(2), esp_shot(2), esp_shot(3)},
         {.mib = {{"XfrmInStateSeqError", 1}, {"XfrmInStateExpired", 1}},
          .module = {{decrypted, 1}, {"PuntSaReplay", 1}, {"PuntSaExpired", 1}},
          .out = 1,
          .events = {"hard expiry"},
          .audit = {replayed, deleted},
          .states = -1}},
    };
}

Row wrong_inside(const char *name, FrameChange change)
{
    return {name,
            in,
            {},
            first,
            {},
            {esp_shot(2), esp_shot(3, std::move(change)), esp_shot(4)},
            {.mib = {{"XfrmInStateModeError", 1}},
             .module = {{decrypted, 2}, {"DropMode", 1}},
             .out = 2}};
}

// Decrypted, and no packet: that is not for XFRM to count.
Row garbage_inside(const char *name, std::function<void(Bytes &)> change)
{
    return {
        name,
        in,
        {},
        first,
        {},
        {esp_shot(2), esp_shot(3, [=](Frame &frame) { change(frame.esp.payload); }), esp_shot(4)},
        {.module = {{decrypted, 3}, {"PuntIpHeader", 1}}, .out = 2}};
}

std::vector<Row> modes()
{
    return {
        wrong_inside("transport_packet",
                     [](Frame &frame) { frame.esp.next_header = packet::proto_udp; }),
        wrong_inside("esp_in_esp", [](Frame &frame) { frame.esp.next_header = packet::proto_esp; }),
        wrong_inside("inner_header_cut", [](Frame &frame) { frame.esp.payload.resize(19); }),
        garbage_inside("inner_version", [](Bytes &inner) { inner[0] = 0x50 | (inner[0] & 0x0f); }),
        garbage_inside("inner_length", [](Bytes &inner) { inner[2] = inner[4] = 0xff; }),
    };
}

} // namespace

std::vector<Row> inbound_rows(Family)
{
    std::vector<Row> all;
    for (auto &rows : {spis(), icvs(), replays(), lifetimes(), modes()})
        all.insert(all.end(), rows.begin(), rows.end());
    return all;
}

} // namespace xfrm_xdp::oracle
