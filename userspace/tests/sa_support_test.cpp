// SPDX-License-Identifier: GPL-2.0-or-later
#include "sa_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

namespace xfrm_xdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

XfrmSa gcm_tunnel()
{
    XfrmSa sa;
    sa.family = AF_INET;
    sa.source = "192.0.2.1";
    sa.destination = "192.0.2.2";
    sa.spi = 0xc0ffee01;
    sa.protocol = IPPROTO_ESP;
    sa.mode = XFRM_MODE_TUNNEL;
    sa.aead = "rfc4106(gcm(aes))";
    return sa;
}

XfrmSa cbc_tunnel()
{
    auto sa = gcm_tunnel();
    sa.aead.clear();
    sa.auth = "hmac(sha256)";
    sa.crypt = "cbc(aes)";
    return sa;
}

TEST(SaSupport, TakesWhatTheModuleTakes)
{
    EXPECT_THAT(why_punted(gcm_tunnel()), IsEmpty());
    EXPECT_THAT(why_punted(cbc_tunnel()), IsEmpty());
}

TEST(SaSupport, TakesTheFlagsThatChangeNothing)
{
    auto sa = gcm_tunnel();
    sa.flags = XFRM_STATE_NOECN | XFRM_STATE_DECAP_DSCP | XFRM_STATE_NOPMTUDISC |
               XFRM_STATE_WILDRECV | XFRM_STATE_ICMP | XFRM_STATE_AF_UNSPEC | XFRM_STATE_ALIGN4 |
               XFRM_STATE_ESN;
    sa.extra_flags = XFRM_SA_XFLAG_DONT_ENCAP_DSCP | XFRM_SA_XFLAG_OSEQ_MAY_WRAP;
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

TEST(SaSupport, TakesModesWhosePacketsItCanMake)
{
    auto sa = gcm_tunnel();
    for (auto mode : {XFRM_MODE_TRANSPORT, XFRM_MODE_BEET}) {
        sa.mode = static_cast<std::uint8_t>(mode);
        EXPECT_THAT(why_punted(sa), IsEmpty());
    }
    sa.mode = XFRM_MODE_ROUTEOPTIMIZATION;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode ro"));
    sa.mode = 99;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode 99"));
}

TEST(SaSupport, TakesWhateverAlgorithmTheKernelTakes)
{
    auto sa = gcm_tunnel();
    sa.aead = "rfc7539esp(chacha20,poly1305)";
    EXPECT_THAT(why_punted(sa), IsEmpty());
    sa = cbc_tunnel();
    sa.auth.clear();
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

TEST(SaSupport, TakesEspInUdpAtTheLocalPortOfNatT)
{
    auto sa = gcm_tunnel();
    sa.encap = XfrmEncap{UDP_ENCAP_ESPINUDP, 4500, 61234};
    EXPECT_THAT(why_punted(sa), IsEmpty());
    sa.encap = XfrmEncap{UDP_ENCAP_ESPINUDP, 61234, 4500};
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

TEST(SaSupport, PuntsOtherProtocolsAndSaysNoMore)
{
    auto sa = gcm_tunnel();
    sa.protocol = IPPROTO_AH;
    sa.mode = XFRM_MODE_TRANSPORT;
    EXPECT_THAT(why_punted(sa), ElementsAre("not ESP"));
}

struct OptionCase {
    const char *why;
    void (*set)(XfrmSa &);
};

class SaOption : public testing::TestWithParam<OptionCase> {};

TEST_P(SaOption, IsPuntedForJustThat)
{
    auto sa = gcm_tunnel();
    GetParam().set(sa);
    EXPECT_THAT(why_punted(sa), ElementsAre(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    SaSupport, SaOption,
    testing::Values(OptionCase{"UDP port 4501 and not 4500 (an inbound SA)",
                               [](XfrmSa &sa) {
                                   sa.encap = XfrmEncap{UDP_ENCAP_ESPINUDP, 1024, 4501};
                               }},
                    OptionCase{"encapsulation of type 7, not ESP in UDP",
                               [](XfrmSa &sa) {
                                   sa.encap = XfrmEncap{TCP_ENCAP_ESPINTCP, 4500, 4500};
                               }},
                    OptionCase{"offload to a device", [](XfrmSa &sa) { sa.offload = true; }},
                    OptionCase{"a mark with mask 0xff (an inbound SA)",
                               [](XfrmSa &sa) { sa.mark_mask = 0xff; }},
                    OptionCase{"a security context", [](XfrmSa &sa) { sa.security = true; }},
                    OptionCase{"extra flag 0x4", [](XfrmSa &sa) { sa.extra_flags = 4; }}));

TEST(SaSupport, NamesEveryReasonAtOnce)
{
    auto sa = gcm_tunnel();
    sa.mode = XFRM_MODE_ROUTEOPTIMIZATION;
    sa.offload = true;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode ro", "offload to a device"));
}

} // namespace
} // namespace xfrm_xdp
