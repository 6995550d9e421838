// SPDX-License-Identifier: GPL-2.0-or-later
// The bad packets of the tests of the primitives, on the wire: each between two good
// ones.
#include <set>

#include "../gtest/bad_packets.hpp"
#include "parity.hpp"

namespace xfrm_xdp::oracle {
namespace {

using test::BadPacket;

const std::string icv_failure = "SA-icv-failure";

Family outer_of(const BadPacket &bad)
{
    return bad.tunnel.outer == test::Family::v4 ? Family::v4 : Family::v6;
}

bool among(const std::set<std::string> &names, const BadPacket &bad)
{
    return names.count(bad.name) != 0;
}

// Too short for ESP: in which order XFRM finds that out tells what it audits.
Expected too_short(const BadPacket &bad)
{
    const bool authenticated =
        among({"only_an_icv", "half_a_trailer", "one_byte_too_short", "only_an_icv_cbc",
               "one_byte_less_than_a_block", "only_an_icv_v6"},
              bad);
    Expected expected{.mib = {{"XfrmInStateProtoError", 1}}, .module = {{"PuntEspShort", 1}}};
    if (authenticated)
        expected.audit = {icv_failure};
    return expected;
}

// No packet, as far as XFRM is concerned, or another one.
Expected not_esp(const BadPacket &bad)
{
    Expected expected;
    // Of UDP to another port there is no flow.
    if (bad.reason != XFRM_XDP_R_PUNT_ENCAP)
        expected.module = {{test::reason_name(bad.reason), 1}};
    if (among({"no_esp", "half_an_esp_header", "payload_length_zero"}, bad))
        expected.mib = {{"XfrmInHdrError", 1}};
    return expected;
}

// What the stack makes of those that the module leaves to it.
Expected left_to_the_stack(const BadPacket &bad)
{
    Expected expected = bad.reason == XFRM_XDP_R_PUNT_ESP_SHORT ? too_short(bad) : not_esp(bad);
    expected.module[decrypted] = 2;
    // Options are no fault, to the stack.
    expected.out = bad.name == "options" ? 3 : 2;
    expected.back = bad.name == "routing_header";
    return expected;
}

Expected expected_of(const BadPacket &bad)
{
    if (bad.verdict == XFRM_XDP_PUNT)
        return left_to_the_stack(bad);
    return {.mib = {{bad.mib, 1}},
            .module = {{decrypted, 2}, {test::reason_name(bad.reason), 1}},
            .out = 2,
            .audit = bad.reason == XFRM_XDP_R_DROP_ICV ? std::vector{icv_failure}
                                                       : std::vector<std::string>{}};
}

Row row_of(const BadPacket &bad)
{
    Row row;
    row.name = bad.name;
    row.setup = [bad](Scene &scene) {
        scene.sa.association.algorithm = bad.tunnel.algorithm.algorithm;
        scene.sa.association.esn = bad.tunnel.esn;
        set_inner(scene, bad.tunnel.inner == test::Family::v4 ? Family::v4 : Family::v6);
    };
    row.learn = {esp_shot(1)};
    row.shots = {esp_shot(2),
                 [bad](const Scene &scene) { return bad.make(scene.sa, make_esp(scene, 3)); },
                 esp_shot(4)};
    row.expected = expected_of(bad);
    return row;
}

} // namespace

std::vector<Row> malformed_rows(Family family)
{
    std::vector<Row> all;
    for (const BadPacket &bad : test::bad_packets())
        if (outer_of(bad) == family)
            all.push_back(row_of(bad));
    return all;
}

} // namespace xfrm_xdp::oracle
