// SPDX-License-Identifier: GPL-2.0-or-later
// Policies that change after flows were learned, and packets that they are not for.
#include "parity.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr Travel in = Travel::inbound, out = Travel::outbound;

const std::vector<Shot> first{esp_shot(1)}, first_out{plain_shot(1)};

// Refused by a policy that was added, and counted once as @mib: with it the kernel's routes
// are all made anew, so that the stack decrypts.
Expected refused_by_new(const char *mib)
{
    return {.mib = {{mib, 1}}, .module = {{"PuntRoutes", 1}}};
}

// What the SA decrypts is not forwarded, and counted once as @mib.
Expected refused(const char *mib)
{
    return {.mib = {{mib, 1}}, .module = {{decrypted, 1}, {"PuntPolicy", 1}}};
}

// The policy of @way gives way to what @change makes of it.
Change replace(Way way, std::function<void(Policy &)> change)
{
    return [=](Stage &stage, const Scene &scene) {
        Policy policy = policy_of(scene, way);
        if (const Status removed = stage.policies.remove(policy); !removed)
            return removed;
        change(policy);
        return stage.policies.add(policy);
    };
}

Change remove(Way way)
{
    return [=](Stage &stage, const Scene &scene) {
        return stage.policies.remove(policy_of(scene, way));
    };
}

void block(Policy &policy)
{
    policy.block = true;
    policy.templates.clear();
}

void another_request(Policy &policy)
{
    policy.templates[0].request_id = 77;
}

Status block_forwarding(Stage &stage, const Scene &scene)
{
    if (const Status removed = remove(Way::forward)(stage, scene); !removed)
        return removed;
    return stage.policies.block_by_default(Way::forward);
}

// The policy of packets to GW1 itself.
Policy local_policy(const Scene &scene)
{
    Policy policy = policy_of(scene, Way::in);
    policy.destination = peers(scene.inner).local;
    return policy;
}

Status block_local(Stage &stage, const Scene &scene)
{
    Policy policy = local_policy(scene);
    if (const Status removed = stage.policies.remove(policy); !removed)
        return removed;
    block(policy);
    return stage.policies.add(policy);
}

Status no_local(Stage &stage, const Scene &scene)
{
    return stage.policies.remove(local_policy(scene));
}

std::vector<Row> inbound()
{
    const std::vector<Shot> local{esp_shot(2, to_local(2))};
    return {
        {"no_forward_policy",
         in,
         {},
         first,
         remove(Way::forward),
         {esp_shot(2)},
         refused("XfrmInNoPols")},
        {"forwarding_blocked_by_default",
         in,
         {},
         first,
         block_forwarding,
         {esp_shot(2)},
         refused_by_new("XfrmInNoPols")},
        {"forward_policy_blocks",
         in,
         {},
         first,
         replace(Way::forward, block),
         {esp_shot(2)},
         refused_by_new("XfrmInPolBlock")},
        {"forward_policy_for_another_sa",
         in,
         {},
         first,
         replace(Way::forward, another_request),
         {esp_shot(2)},
         refused_by_new("XfrmInTmplMismatch")},
        {"local_policy_blocks",
         in,
         {},
         first,
         block_local,
         local,
         refused_by_new("XfrmInPolBlock")},
        {"no_local_policy",
         in,
         {},
         first,
         no_local,
         local,
         {.mib = {{"XfrmInNoPols", 1}}, .module = {{decrypted, 1}}}},
        {"in_the_clear",
         in,
         {},
         first,
         {},
         {esp_shot(2), plain_shot(3), esp_shot(4)},
         {.mib = {{"XfrmInTmplMismatch", 1}}, .module = {{decrypted, 2}}, .out = 2}},
        // What the inner packets of an SA may be is said by its selector.
        {"outside_the_selector",
         in,
         [](Scene &scene) {
             scene.sa.inner_source = scene.from;
             scene.sa.inner_destination = scene.to;
         },
         first,
         {},
         {esp_shot(2), esp_shot(3, from_other(3)), esp_shot(4)},
         {.mib = {{"XfrmInStateMismatch", 1}}, .module = {{decrypted, 3}}, .out = 2}},
        // A flow of one SA, by another that is there for another host.
        {"by_the_sa_of_another",
         in,
         [](Scene &scene) {
             scene.more = {another_sa(scene)};
             Policy policy = policy_of(scene, Way::forward);
             policy.source = peers(scene.inner).other;
             policy.templates = {template_of(scene.more[0])};
             scene.policies.push_back(policy);
         },
         {esp_shot(1),
          [](const Scene &scene) {
              Scene of_other = scene;
              of_other.sa = another_sa(scene);
              return esp_shot(1, from_other(1))(of_other);
          }},
         {},
         {esp_shot(2), esp_shot_of(another_sa, 2), esp_shot(3)},
         {.mib = {{"XfrmInTmplMismatch", 1}}, .module = {{decrypted, 3}}, .out = 2}},
    };
}

std::vector<Row> outbound()
{
    return {
        {"out_policy_blocks",
         out,
         {},
         first_out,
         replace(Way::out, block),
         {plain_shot(2)},
         {.mib = {{"XfrmOutPolBlock", 1}}, .module = {{"PuntPolicy", 1}}}},
        {"no_out_policy",
         out,
         {},
         first_out,
         remove(Way::out),
         {plain_shot(2)},
         {.module = {{"PuntPolicy", 1}}, .out = 1}},
        {"out_policy_without_sa",
         out,
         {},
         first_out,
         replace(Way::out, another_request),
         {plain_shot(2), plain_shot(3)},
         {.mib = {{"XfrmOutNoStates", 2}},
          .module = {{"PuntPolicy+PuntNotLearned", 2}},
          .events = {"acquire"},
          .states = 1}},
    };
}

} // namespace

std::vector<Row> policy_rows(Family)
{
    std::vector<Row> all = inbound();
    for (Row &row : outbound())
        all.push_back(std::move(row));
    return all;
}

} // namespace xfrm_xdp::oracle
