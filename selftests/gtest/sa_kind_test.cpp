// SPDX-License-Identifier: GPL-2.0-or-later
// SAs that the primitives do not take: a punt that leaves packet and SA alone.
#include "fixture.hpp"

#include <arpa/inet.h>
#include <linux/xfrm.h>

namespace xfrm_xdp::test {
namespace {

struct KindCase {
    const char *name;
    std::uint32_t reason;
    std::function<void(Sa &)> change;
    // Input and output, unless the kernel knows the option for one of them only.
    std::optional<Way> only = std::nullopt;
};

void PrintTo(const KindCase &test, std::ostream *out)
{
    *out << test.name;
}

std::vector<KindCase> cases()
{
    constexpr std::uint32_t kind = XFRM_XDP_R_PUNT_SA_KIND;
    constexpr std::uint32_t state = XFRM_XDP_R_PUNT_SA_STATE;
    return {
        // The packet is ESP as it is.
        {"udp_encapsulation", XFRM_XDP_R_PUNT_ENCAP,
         [](Sa &sa) { sa.encapsulation_port = 4500; }, Way::input},
        // A frame has no mark that could be set.
        {"output_mark", kind, [](Sa &sa) { sa.output_mark = 7; }, Way::input},
        {"interface_id", kind, [](Sa &sa) { sa.interface_id = 7; }},
        {"only_for_output", state,
         [](Sa &sa) {
             sa.direction = Direction::out;
             sa.window = 0;
         },
         Way::input},
        {"only_for_input", state, [](Sa &sa) { sa.direction = Direction::in; }, Way::output},
    };
}

class SaKind : public XfrmTest, public testing::WithParamInterface<KindCase> {
protected:
    void punts(Way way, Family family)
    {
        if (GetParam().only.value_or(way) != way)
            return;
        const Tunnel tunnel{algorithm("gcm128"), false, family, family};
        Sa sa = make_sa(tunnel, way);
        // A packet that the SA would take, were it not for the change.
        Bytes frame = encode(sa, esp_frame(sa, family, 1, 200));
        if (way == Way::output) {
            packet::Packet inner = inner_packet(family, 200);
            inner.ethernet = ethernet_header();
            frame = inner.build();
        }
        GetParam().change(sa);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        expect_punt(call(way, frame, sa), frame, GetParam().reason);
        remove(sa);
    }
};

TEST_P(SaKind, InputIsPunted)
{
    punts(Way::input, Family::v4);
    punts(Way::input, Family::v6);
}

TEST_P(SaKind, OutputIsPunted)
{
    punts(Way::output, Family::v4);
    punts(Way::output, Family::v6);
}

INSTANTIATE_TEST_SUITE_P(Table, SaKind, testing::ValuesIn(cases()),
                         [](const auto &test) { return std::string(test.param.name); });

// What the table's SAs are without their change.
TEST_F(XfrmTest, SaWithoutOptionsIsTaken)
{
    for (const Way way : {Way::input, Way::output}) {
        const Sa sa = make_sa(way);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(Family::v4, 200);
        inner.ethernet = ethernet_header();
        const Bytes frame =
            way == Way::output ? inner.build() : encode(sa, esp_frame(sa, Family::v4, 1, 200));
        expect_done(call(way, frame, sa),
                    way == Way::output ? XFRM_XDP_R_OUTPUT_DONE : XFRM_XDP_R_INPUT_DONE);
        remove(sa);
    }
}

// No SA, nothing to call: neither for a number that nobody has, nor for zero.
TEST_F(XfrmTest, UnknownSpiFindsNoSa)
{
    Sa known = make_sa(Way::input);
    ASSERT_NO_FATAL_FAILURE(add(known));
    for (const std::uint32_t spi : {0U, 1U, test_spi + 1, ~0U}) {
        Sa unknown = known;
        unknown.association.spi = spi;
        const Bytes frame = encode(unknown, esp_frame(unknown, Family::v4, 1));
        ProbeRun run;
        run.ifindex = sandbox().ifindex();
        run.request.spi = htonl(spi);
        run.request.family = AF_INET;
        run.request.proto = packet::proto_esp;
        const auto &address = std::get<packet::Ipv4Address>(unknown.destination).octets;
        std::copy(address.begin(), address.end(),
                  reinterpret_cast<std::uint8_t *>(run.request.daddr));
        const auto outcome = probe(Way::input).run(frame, run);
        ASSERT_TRUE(outcome) << outcome.error().cause;
        EXPECT_EQ(outcome->result.lookup_error, -ENOENT);
        EXPECT_EQ(outcome->result.calls, 0U);
        EXPECT_EQ(outcome->result.verdict, PROBE_NOT_CALLED);
        EXPECT_EQ(hex(outcome->frame), hex(frame));
    }
}

// A program that confuses its SAs: the packet is not for the one it passed.
TEST_F(XfrmTest, PacketOfAnotherSaIsPunted)
{
    const Sa sa = make_sa(Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    for (const std::uint32_t spi : {0U, 1U, test_spi ^ 0x01000000, test_spi ^ 1}) {
        Sa other = sa;
        other.association.spi = spi;
        const Bytes frame = encode(other, esp_frame(other, Family::v4, 1));
        expect_punt(input(frame, sa), frame, XFRM_XDP_R_PUNT_FLOW_MISMATCH);
    }
    // The same number in the other family is another SA, too.
    const Sa six = make_sa({algorithm("gcm128"), false, Family::v4, Family::v6}, Way::input);
    const Bytes frame = encode(six, esp_frame(six, Family::v4, 1));
    expect_punt(input(frame, sa), frame, XFRM_XDP_R_PUNT_FLOW_MISMATCH);
}

} // namespace
} // namespace xfrm_xdp::test
