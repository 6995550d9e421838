// SPDX-License-Identifier: GPL-2.0-or-later
// bpf_xdp_xfrm_output(): the fields of the outer header, as a table.
#include "fixture.hpp"

#include <linux/xfrm.h>

namespace xfrm_xdp::test {
namespace {

constexpr std::uint8_t no_flags = 0;
constexpr std::uint32_t dont_encap_dscp = 1; // XFRM_SA_XFLAG_DONT_ENCAP_DSCP
constexpr std::uint16_t df = packet::ipv4_dont_fragment;

struct HeaderCase {
    const char *name;
    std::uint8_t inner_tos;
    std::uint8_t flags;
    std::uint32_t extra_flags;
    std::uint8_t outer_tos;
};

void PrintTo(const HeaderCase &test, std::ostream *out)
{
    *out << test.name;
}

// RFC 4301 section 5.1.2.1 for DSCP; RFC 3168 section 9.1.1 for ECN, full
// functionality: CE becomes ECT(0) outside. NOECN clears both bits outside.
const HeaderCase tos_cases[] = {
    {"zero", 0x00, no_flags, 0, 0x00},
    {"dscp", 0xb8, no_flags, 0, 0xb8},
    {"all_dscp_ect1", 0xfd, no_flags, 0, 0xfd},
    {"dscp_ect0", 0xba, no_flags, 0, 0xba},
    {"dscp_ce", 0xbb, no_flags, 0, 0xba},
    {"noecn_ect0", 0xba, XFRM_STATE_NOECN, 0, 0xb8},
    {"noecn_ce", 0xbb, XFRM_STATE_NOECN, 0, 0xb8},
    {"hide_dscp", 0xb8, no_flags, dont_encap_dscp, 0x00},
    {"hide_dscp_ect1", 0xb9, no_flags, dont_encap_dscp, 0x01},
    {"hide_dscp_ce", 0xbb, no_flags, dont_encap_dscp, 0x02},
    {"hide_dscp_noecn", 0xbb, XFRM_STATE_NOECN, dont_encap_dscp, 0x00},
};

void set_tos(packet::Network &network, std::uint8_t tos)
{
    if (auto *ip = std::get_if<packet::Ipv4>(&network))
        ip->tos = tos;
    else
        std::get<packet::Ipv6>(network).traffic_class = tos;
}

std::uint8_t tos_of(const packet::Network &network)
{
    const auto *ip = std::get_if<packet::Ipv4>(&network);
    return ip ? ip->tos : std::get<packet::Ipv6>(network).traffic_class;
}

class OutputHeader : public XfrmTest {
protected:
    // The decoded frame, or a failure.
    esp::DecodedFrame send(const packet::Packet &inner, const Sa &sa)
    {
        packet::Packet framed = inner;
        framed.ethernet = ethernet_header();
        const Call call = output(framed.build(), sa);
        expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
        auto result = esp::decode_frame(sa.association, call.outcome.frame);
        if (const auto *error = std::get_if<esp::Error>(&result)) {
            ADD_FAILURE() << esp::describe(*error);
            return {};
        }
        auto decoded = std::get<esp::DecodedFrame>(std::move(result));
        EXPECT_TRUE(decoded.outer_checksum_good);
        EXPECT_TRUE(decoded.trailer.empty());
        EXPECT_EQ(decoded.ethernet, ethernet_header());
        EXPECT_EQ(hex(decoded.esp.payload), hex(inner.build())) << "the inner packet was changed";
        return decoded;
    }
    packet::Ipv4 send4(const packet::Packet &inner, const Sa &sa)
    {
        return std::get<packet::Ipv4>(send(inner, sa).outer);
    }
};

class OutputTos : public OutputHeader, public testing::WithParamInterface<HeaderCase> {};

TEST_P(OutputTos, InEveryMixOfFamilies)
{
    for (const Tunnel &tunnel : family_mixes("gcm128")) {
        SCOPED_TRACE(tunnel.name());
        Sa sa = make_sa(tunnel, Way::output);
        sa.flags = GetParam().flags;
        sa.extra_flags = GetParam().extra_flags;
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(tunnel.inner, 100);
        set_tos(inner.network, GetParam().inner_tos);
        EXPECT_EQ(tos_of(send(inner, sa).outer), GetParam().outer_tos);
        remove(sa);
    }
}

INSTANTIATE_TEST_SUITE_P(Table, OutputTos, testing::ValuesIn(tos_cases),
                         [](const auto &test) { return std::string(test.param.name); });

struct FragmentCase {
    const char *name;
    Family inner;
    std::size_t size;
    std::uint16_t inner_fragment;
    std::uint8_t flags;
    std::uint16_t outer_fragment;
};

void PrintTo(const FragmentCase &test, std::ostream *out)
{
    *out << test.name;
}

// DF is copied, and IPv6 counts as DF: of any size, for the kernel asks whether it
// is small when the skb is IPv4 already (tunnel.sh compares with the stack).
const FragmentCase fragment_cases[] = {
    {"df", Family::v4, 100, df, no_flags, df},
    {"no_df", Family::v4, 100, 0, no_flags, 0},
    {"df_nopmtudisc", Family::v4, 100, df, XFRM_STATE_NOPMTUDISC, 0},
    {"ipv6_1280", Family::v6, 1280, 0, no_flags, df},
    {"ipv6_1281", Family::v6, 1281, 0, no_flags, df},
    {"ipv6_1281_nopmtudisc", Family::v6, 1281, 0, XFRM_STATE_NOPMTUDISC, 0},
};

class OutputFragment : public OutputHeader, public testing::WithParamInterface<FragmentCase> {};

TEST_P(OutputFragment, BitsOfTheOuterHeader)
{
    Sa sa = make_sa({algorithm("gcm128"), false, GetParam().inner, Family::v4}, Way::output);
    sa.flags = GetParam().flags;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(GetParam().inner, GetParam().size);
    if (auto *ip = std::get_if<packet::Ipv4>(&inner.network))
        ip->fragment = GetParam().inner_fragment;
    EXPECT_EQ(send4(inner, sa).fragment, GetParam().outer_fragment);
}

INSTANTIATE_TEST_SUITE_P(Table, OutputFragment, testing::ValuesIn(fragment_cases),
                         [](const auto &test) { return std::string(test.param.name); });

// RFC 6864: what may be fragmented needs an identification of its own.
TEST_F(OutputHeader, IdentificationIsZeroOnlyWithDf)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(Family::v4, 100);
    std::get<packet::Ipv4>(inner.network).id = 0x7777;
    EXPECT_EQ(send4(inner, sa).id, 0);
    std::get<packet::Ipv4>(inner.network).fragment = 0;
    const std::uint16_t first = send4(inner, sa).id;
    const std::uint16_t second = send4(inner, sa).id;
    EXPECT_NE(first, second);
}

TEST_F(OutputHeader, HopLimitIsTheNamespacesDefault)
{
    const auto ttl = Sysctl::set("net/ipv4/ip_default_ttl", "77");
    const auto hops = Sysctl::set("net/ipv6/conf/all/hop_limit", "99");
    ASSERT_TRUE(ttl) << ttl.error().cause;
    ASSERT_TRUE(hops) << hops.error().cause;
    for (const Tunnel &tunnel : family_mixes("gcm128")) {
        SCOPED_TRACE(tunnel.name());
        const Sa sa = make_sa(tunnel, Way::output);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(tunnel.inner, 100);
        if (auto *ip = std::get_if<packet::Ipv4>(&inner.network))
            ip->ttl = 1;
        else
            std::get<packet::Ipv6>(inner.network).hop_limit = 1;
        const auto decoded = send(inner, sa);
        if (const auto *ip = std::get_if<packet::Ipv4>(&decoded.outer))
            EXPECT_EQ(ip->ttl, 77);
        else
            EXPECT_EQ(std::get<packet::Ipv6>(decoded.outer).hop_limit, 99);
        remove(sa);
    }
}

TEST_F(OutputHeader, FlowLabelIsCopiedFromIpv6AndZeroForIpv4)
{
    const Sa six = make_sa({algorithm("gcm128"), false, Family::v6, Family::v6}, Way::output);
    ASSERT_NO_FATAL_FAILURE(add(six));
    packet::Packet inner = inner_packet(Family::v6, 100);
    std::get<packet::Ipv6>(inner.network).flow_label = 0xfffff;
    EXPECT_EQ(std::get<packet::Ipv6>(send(inner, six).outer).flow_label, 0xfffffU);
    EXPECT_EQ(std::get<packet::Ipv6>(send(inner_packet(Family::v4, 100), six).outer).flow_label,
              0U);
}

TEST_F(OutputHeader, AnyProtocolMayBeInside)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(Family::v4, 100);
    packet::Tcp syn;
    syn.flags = packet::tcp_syn;
    const packet::Transport transports[] = {syn, packet::Icmp{}, packet::Raw{packet::proto_esp},
                                            packet::Raw{47}, packet::Raw{packet::proto_ipip}};
    for (const auto &transport : transports) {
        inner.transport = transport;
        send(inner, sa);
    }
    // Nothing behind the IP header: the smallest packet there is.
    inner.transport = packet::Raw{253};
    inner.payload.clear();
    send(inner, sa);
}

} // namespace
} // namespace xfrm_xdp::test
