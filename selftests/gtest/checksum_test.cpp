// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums that the sender left to hardware: bpf_xdp_xfrm_output() finishes them before it
// encrypts, and leaves all others as they came.
#include "fixture.hpp"

#include <algorithm>

namespace xfrm_xdp::test {
namespace {

using packet::Packet;

Packet inner_tcp(Family family, std::size_t size)
{
    Packet packet = inner_packet(family, size + 8);
    packet::Tcp tcp;
    tcp.source = 40000;
    tcp.destination = 443;
    packet.transport = tcp;
    packet.payload.resize(packet.payload.size() - 20);
    return packet;
}

std::size_t transport_at(const Packet &packet)
{
    return std::holds_alternative<packet::Ipv4>(packet.network) ? packet::ipv4_length
                                                                : packet::ipv6_length;
}

// What CHECKSUM_PARTIAL has in the field: the folded sum of addresses, protocol and length.
std::uint16_t pseudo_sum(const Packet &packet)
{
    const Bytes bytes = packet.build();
    const bool v4 = std::holds_alternative<packet::Ipv4>(packet.network);
    const auto length = static_cast<std::uint16_t>(bytes.size() - transport_at(packet));
    const bool tcp = std::holds_alternative<packet::Tcp>(packet.transport);
    const Bytes tail{0, tcp ? packet::proto_tcp : packet::proto_udp,
                     static_cast<std::uint8_t>(length >> 8),
                     static_cast<std::uint8_t>(length & 0xff)};
    const std::uint32_t sum =
        packet::checksum_add(0, View(bytes).subspan(v4 ? 12 : 8, v4 ? 8 : 32));
    return static_cast<std::uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, tail)));
}

void set_checksum(Packet &packet, std::optional<std::uint16_t> checksum)
{
    if (auto *udp = std::get_if<packet::Udp>(&packet.transport))
        udp->checksum = checksum;
    else
        std::get<packet::Tcp>(packet.transport).checksum = checksum;
}

class Checksum : public XfrmTest, public testing::WithParamInterface<Family> {
protected:
    void SetUp() override
    {
        XfrmTest::SetUp();
        ASSERT_FALSE(HasFatalFailure());
        sa_ = make_sa({algorithm("gcm128"), false, GetParam(), Family::v4}, Way::output);
        ASSERT_NO_FATAL_FAILURE(add(sa_));
    }

    // What the other end decrypts of @sent.
    Bytes through(const Packet &sent)
    {
        Packet framed = sent;
        framed.ethernet = ethernet_header();
        const Call call = output(framed.build(), sa_);
        expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
        const auto result = esp::decode_frame(sa_.association, call.outcome.frame, 0);
        if (const auto *error = std::get_if<esp::Error>(&result)) {
            ADD_FAILURE() << esp::describe(*error);
            return {};
        }
        return std::get<esp::DecodedFrame>(result).esp.payload;
    }

    Sa sa_;
};

TEST_P(Checksum, IsFinishedWhereItWasLeft)
{
    for (const auto make : {inner_packet, inner_tcp}) {
        // Odd lengths, too, and nothing behind the header.
        for (const std::size_t size : {60U, 61U, 576U, 1279U, 1400U}) {
            SCOPED_TRACE(size);
            Packet sent = make(GetParam(), size);
            const Bytes complete = sent.build();
            set_checksum(sent, pseudo_sum(sent));
            ASSERT_NE(hex(sent.build()), hex(complete));
            EXPECT_EQ(hex(through(sent)), hex(complete));
        }
    }
}

TEST_P(Checksum, StaysWhereItIsAnother)
{
    for (const auto make : {inner_packet, inner_tcp}) {
        Packet sent = make(GetParam(), 100);
        EXPECT_EQ(hex(through(sent)), hex(sent.build())) << "complete";
        const int pseudo = pseudo_sum(sent);
        for (const int other : {0, 0xffff, pseudo + 1, pseudo - 1, ~pseudo}) {
            SCOPED_TRACE(other);
            set_checksum(sent, static_cast<std::uint16_t>(other & 0xffff));
            EXPECT_EQ(hex(through(sent)), hex(sent.build()));
        }
    }
}

// Zero would say that there is none.
TEST_P(Checksum, ThatIsZeroIsWrittenAsAllOnes)
{
    Packet sent = inner_packet(GetParam(), 100);
    sent.payload[0] = sent.payload[1] = 0;
    set_checksum(sent, 0);
    const Bytes without = sent.build();
    const auto at = transport_at(sent);
    const std::uint32_t sum = packet::checksum_add(static_cast<std::uint16_t>(pseudo_sum(sent)),
                                                   View(without).subspan(at));
    const std::uint16_t rest = packet::checksum_fold(sum);
    sent.payload[0] = static_cast<std::uint8_t>(rest >> 8);
    sent.payload[1] = static_cast<std::uint8_t>(rest & 0xff);
    set_checksum(sent, pseudo_sum(sent));
    const Bytes received = through(sent);
    ASSERT_EQ(received.size(), without.size());
    EXPECT_EQ(received[at + 6], 0xff);
    EXPECT_EQ(received[at + 7], 0xff);
}

// Of a UDP header that covers less, the field cannot be what the kernel leaves.
TEST_P(Checksum, StaysWhereUdpIsShorter)
{
    Packet sent = inner_packet(GetParam(), 100);
    set_checksum(sent, pseudo_sum(sent));
    std::get<packet::Udp>(sent.transport).length = 20;
    EXPECT_EQ(hex(through(sent)), hex(sent.build()));
}

TEST_P(Checksum, OfOtherProtocolsIsNotLookedAt)
{
    Packet sent = inner_packet(GetParam(), 100);
    const std::uint16_t pseudo = pseudo_sum(sent);
    for (const std::uint8_t protocol : {packet::proto_esp, std::uint8_t{132}}) {
        sent.transport = packet::Raw{protocol};
        for (std::size_t at = 0; at + 1 < 20; at += 2) {
            sent.payload[at] = static_cast<std::uint8_t>(pseudo >> 8);
            sent.payload[at + 1] = static_cast<std::uint8_t>(pseudo & 0xff);
        }
        EXPECT_EQ(hex(through(sent)), hex(sent.build()));
    }
}

INSTANTIATE_TEST_SUITE_P(Families, Checksum, testing::Values(Family::v4, Family::v6),
                         [](const auto &family) {
                             return family.param == Family::v4 ? "v4" : "v6";
                         });

} // namespace
} // namespace xfrm_xdp::test
