// SPDX-License-Identifier: GPL-2.0-or-later
#include "sa_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

namespace xfrm_xdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
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
    sa.flags = XFRM_STATE_NOECN | XFRM_STATE_DECAP_DSCP | XFRM_STATE_NOPMTUDISC | XFRM_STATE_ICMP |
               XFRM_STATE_AF_UNSPEC | XFRM_STATE_ESN;
    sa.extra_flags = XFRM_SA_XFLAG_DONT_ENCAP_DSCP | XFRM_SA_XFLAG_OSEQ_MAY_WRAP;
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

TEST(SaSupport, PuntsOtherModes)
{
    auto sa = gcm_tunnel();
    sa.mode = XFRM_MODE_TRANSPORT;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode transport, not tunnel"));
    sa.mode = XFRM_MODE_BEET;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode beet, not tunnel"));
    sa.mode = 99;
    EXPECT_THAT(why_punted(sa), ElementsAre("mode 99, not tunnel"));
}

TEST(SaSupport, PuntsOtherAlgorithms)
{
    auto sa = gcm_tunnel();
    sa.aead = "rfc7539esp(chacha20,poly1305)";
    EXPECT_THAT(why_punted(sa), ElementsAre("algorithm rfc7539esp(chacha20,poly1305)"));

    sa = cbc_tunnel();
    sa.auth = "hmac(sha1)";
    EXPECT_THAT(why_punted(sa), ElementsAre("algorithm cbc(aes) with hmac(sha1)"));
    sa.auth.clear();
    EXPECT_THAT(why_punted(sa), ElementsAre("algorithm cbc(aes) with no integrity"));

    // Both halves are known, but not with each other.
    sa = cbc_tunnel();
    sa.crypt = "rfc4106(gcm(aes))";
    EXPECT_THAT(why_punted(sa), ElementsAre("algorithm rfc4106(gcm(aes)) with hmac(sha256)"));
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
    testing::Values(OptionCase{"UDP encapsulation (NAT-T)", [](XfrmSa &sa) { sa.encap = true; }},
                    OptionCase{"offload to a device", [](XfrmSa &sa) { sa.offload = true; }},
                    OptionCase{"if_id 0x2a", [](XfrmSa &sa) { sa.if_id = 42; }},
                    OptionCase{"a mark with mask 0xff", [](XfrmSa &sa) { sa.mark_mask = 0xff; }},
                    OptionCase{"an output mark", [](XfrmSa &sa) { sa.output_mark = true; }},
                    OptionCase{"tfcpad 1280", [](XfrmSa &sa) { sa.tfcpad = 1280; }},
                    OptionCase{"a security context", [](XfrmSa &sa) { sa.security = true; }},
                    OptionCase{"bound to a CPU", [](XfrmSa &sa) { sa.per_cpu = true; }},
                    OptionCase{"flag wildrecv", [](XfrmSa &sa) { sa.flags = XFRM_STATE_WILDRECV; }},
                    OptionCase{"flag align4", [](XfrmSa &sa) { sa.flags = XFRM_STATE_ALIGN4; }},
                    OptionCase{"extra flag 0x4", [](XfrmSa &sa) { sa.extra_flags = 4; }}));

TEST(SaSupport, NamesEveryReasonAtOnce)
{
    auto sa = gcm_tunnel();
    sa.mode = XFRM_MODE_TRANSPORT;
    sa.encap = true;
    EXPECT_THAT(why_punted(sa),
                ElementsAre("mode transport, not tunnel", "UDP encapsulation (NAT-T)"));
}

TEST(SaSupport, ListsTheAlgorithmsItTakes)
{
    EXPECT_THAT(supported_algorithms(), HasSubstr("rfc4106(gcm(aes))"));
    EXPECT_THAT(supported_algorithms(), HasSubstr("cbc(aes) with hmac(sha256)"));
}

} // namespace
} // namespace xfrm_xdp
