// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with SAs that encrypt, and with where their packets leave.
#include "parity.hpp"

#include <linux/xfrm.h>

namespace xfrm_xdp::oracle {
namespace {

using test::Direction;
using test::Replay;

constexpr Travel out = Travel::outbound;
constexpr std::uint32_t last = 0xffffffff;

const std::vector<Shot> first{plain_shot(1)};
const std::vector<Shot> two{plain_shot(2), plain_shot(3)};
const std::vector<Shot> three{plain_shot(2), plain_shot(3), plain_shot(4)};

void may_wrap(Scene &scene)
{
    scene.sa.extra_flags = XFRM_SA_XFLAG_OSEQ_MAY_WRAP;
}

// The next packet is number @oseq + 1.
Change sent_up_to(std::uint32_t oseq, std::uint32_t oseq_hi = 0)
{
    return [=](Stage &stage, const Scene &scene) {
        Sa sa = scene.sa;
        sa.replay.oseq = oseq;
        sa.replay.oseq_hi = oseq_hi;
        return stage.states.reset(sa);
    };
}

Expected fine(std::size_t packets, std::vector<std::string> events = {})
{
    return {.module = {{encrypted, packets}}, .out = packets, .events = std::move(events)};
}

// The last number is used, then there is none.
Expected overflow()
{
    return {.mib = {{"XfrmOutStateSeqError", 1}},
            .module = {{encrypted, 1}, {"PuntSaOverflow", 1}},
            .out = 1,
            .audit = {"SA-replay-overflow"}};
}

Expected expired(std::size_t good)
{
    return {.mib = {{"XfrmOutStateExpired", 1}},
            .module = {{encrypted, good}, {"PuntSaExpired", 1}},
            .out = good,
            .events = {"hard expiry"},
            .audit = {"SAD-delete"},
            .states = -1};
}

Status remove(Stage &stage, const Scene &scene)
{
    return stage.states.remove(scene.sa);
}

// For another host an SA that says that it is not for sending.
void wrong_direction(Scene &scene)
{
    Sa sa = another_sa(scene);
    sa.direction = Direction::in;
    scene.more = {sa};
    Policy policy = policy_of(scene, Way::out);
    policy.destination = peers(scene.inner).other;
    policy.templates = {template_of(sa)};
    scene.policies.push_back(policy);
}

Shot to_other(std::uint16_t number)
{
    return [=](const Scene &scene) {
        return make_frame({towards_gw1(), scene.from, peers(scene.inner).other},
                          {.size = 100, .id = number});
    };
}

std::vector<Row> numbers()
{
    return {
        {"overflow", out, {}, first, sent_up_to(last - 1), two, overflow()},
        {"overflow_bitmap", out, set_bitmap, first, sent_up_to(last - 1), two, overflow()},
        {"overflow_esn", out, set_esn, first, sent_up_to(last - 1, last), two, overflow()},
        {"may_wrap", out, may_wrap, first, sent_up_to(last - 1), three, fine(3)},
        {"may_wrap_bitmap", out,
         [](Scene &scene) {
             set_bitmap(scene);
             may_wrap(scene);
         },
         first, sent_up_to(last - 1), three, fine(3)},
        {"esn_wrap", out, set_esn, first, sent_up_to(last - 1, 4), three, fine(3)},
        {"replay_threshold",
         out,
         [](Scene &scene) { scene.sa.replay_threshold = 2; },
         first,
         {},
         three,
         fine(3, {"replay", "replay"})},
        {"replay_threshold_esn",
         out,
         [](Scene &scene) {
             set_esn(scene);
             scene.sa.replay_threshold = 2;
         },
         first,
         {},
         three,
         fine(3, {"replay", "replay"})},
        // No event of the last number, for the packet was not sent.
        {"replay_threshold_overflow",
         out,
         [](Scene &scene) { scene.sa.replay_threshold = 1; },
         first,
         sent_up_to(last - 1),
         two,
         {.mib = {{"XfrmOutStateSeqError", 1}},
          .module = {{encrypted, 1}, {"PuntSaOverflow", 1}},
          .out = 1,
          .events = {"replay"},
          .audit = {"SA-replay-overflow"}}},
    };
}

// The first packet was learned from.
std::vector<Row> lifetimes()
{
    return {
        {"soft_packets",
         out,
         [](Scene &scene) { scene.sa.soft_packets = 2; },
         first,
         {},
         three,
         fine(3, {"soft expiry"})},
        {"hard_packets",
         out,
         [](Scene &scene) { scene.sa.hard_packets = 3; },
         first,
         {},
         three,
         expired(2)},
        {"soft_bytes",
         out,
         [](Scene &scene) { scene.sa.soft_bytes = 150; },
         first,
         {},
         three,
         fine(3, {"soft expiry"})},
        {"hard_bytes",
         out,
         [](Scene &scene) { scene.sa.hard_bytes = 201; },
         first,
         {},
         three,
         expired(2)},
        {"expired_and_out_of_numbers", out, [](Scene &scene) { scene.sa.hard_packets = 1; }, first,
         sent_up_to(last - 1), two, expired(1)},
    };
}

std::vector<Row> states()
{
    return {
        {"deleted",
         out,
         {},
         first,
         remove,
         two,
         {.mib = {{"XfrmOutNoStates", 2}},
          .module = {{"PuntSaState+PuntNotLearned+PuntDst", 2}},
          .events = {"acquire"}}},
        {"wrong_direction",
         out,
         wrong_direction,
         first,
         {},
         {plain_shot(2), to_other(3)},
         {.mib = {{"XfrmOutPolError", 1}, {"XfrmOutStateDirError", 1}},
          .module = {{encrypted, 1}},
          .out = 1}},
        {"template_without_sa",
         out,
         [](Scene &scene) {
             Policy policy = policy_of(scene, Way::out);
             policy.destination = peers(scene.inner).other;
             policy.templates[0].request_id = 3;
             scene.policies.push_back(policy);
         },
         first,
         {},
         {plain_shot(2), to_other(3), plain_shot(4)},
         {.mib = {{"XfrmOutNoStates", 1}},
          .module = {{encrypted, 2}},
          .out = 2,
          .events = {"acquire"},
          .states = 1}},
        // Some routes are gone then, as far as their users can tell.
        {"no_carrier",
         out,
         {},
         first,
         [](Stage &stage, const Scene &) { return stage.plug(false); },
         {plain_shot(2)},
         {.module = {{"PuntEgress+PuntDst", 1}}},
         [](Stage &stage, const Scene &) { return stage.plug(true); }},
    };
}

} // namespace

std::vector<Row> outbound_rows(Family)
{
    std::vector<Row> all;
    for (auto &rows : {numbers(), lifetimes(), states()})
        all.insert(all.end(), rows.begin(), rows.end());
    return all;
}

} // namespace xfrm_xdp::oracle
