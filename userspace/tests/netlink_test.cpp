// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing of netlink messages: SAs, devices, tc filters.
#include "links.hpp"
#include "message.hpp"
#include "rx_metadata.hpp"
#include "sa_support.hpp"
#include "xdp.hpp"
#include "xfrm_sa.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <linux/if.h>

namespace xfrm_xdp {
namespace {

using test::Message;
using testing::IsEmpty;

// xfrm_algo_aead with a key behind it.
struct Aead {
    char name[64]{};
    std::uint32_t key_bits = 160;
    std::uint32_t icv_bits = 128;
    unsigned char key[20]{};
};

xfrm_usersa_info tunnel_info()
{
    xfrm_usersa_info info{};
    info.family = AF_INET;
    info.id.daddr.a4 = htonl(0xc0000202);
    info.saddr.a4 = htonl(0xc0000201);
    info.id.spi = htonl(0xc0ffee01);
    info.id.proto = IPPROTO_ESP;
    info.mode = XFRM_MODE_TUNNEL;
    info.reqid = 7;
    info.flags = XFRM_STATE_ESN;
    return info;
}

Message gcm_message()
{
    Aead aead;
    std::strcpy(aead.name, "rfc4106(gcm(aes))");
    Message message(XFRM_MSG_NEWSA);
    message.raw(tunnel_info()).attribute(XFRMA_ALG_AEAD, aead);
    return message;
}

XfrmSa sa_of(Message message)
{
    auto sa = parse_sa(message.get());
    if (!sa || !*sa) {
        ADD_FAILURE() << "not parsed";
        return {};
    }
    return **sa;
}

TEST(SaMessage, IsReadFieldByField)
{
    auto sa = sa_of(gcm_message());

    EXPECT_EQ(sa.family, AF_INET);
    EXPECT_EQ(sa.source, "192.0.2.1");
    EXPECT_EQ(sa.destination, "192.0.2.2");
    EXPECT_EQ(sa.spi, 0xc0ffee01U);
    EXPECT_EQ(sa.reqid, 7U);
    EXPECT_EQ(sa.mode, XFRM_MODE_TUNNEL);
    EXPECT_EQ(sa.flags, XFRM_STATE_ESN);
    EXPECT_EQ(sa.aead, "rfc4106(gcm(aes))");
    EXPECT_EQ(describe(sa), "esp 192.0.2.1 > 192.0.2.2 spi 0xc0ffee01");
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

TEST(SaMessage, OfIpv6)
{
    auto info = tunnel_info();
    info.family = AF_INET6;
    ASSERT_EQ(::inet_pton(AF_INET6, "2001:db8::1", &info.saddr), 1);
    ASSERT_EQ(::inet_pton(AF_INET6, "2001:db8::2", &info.id.daddr), 1);
    auto sa = sa_of(Message(XFRM_MSG_NEWSA).raw(info));

    EXPECT_EQ(sa.source, "2001:db8::1");
    EXPECT_EQ(sa.destination, "2001:db8::2");
    EXPECT_EQ(sa.aead, "");
}

TEST(SaMessage, PrefersTheTruncatedNameOfAuthentication)
{
    xfrm_algo crypt{};
    std::strcpy(crypt.alg_name, "cbc(aes)");
    xfrm_algo auth{};
    std::strcpy(auth.alg_name, "hmac(sha256)");
    xfrm_algo_auth truncated{};
    std::strcpy(truncated.alg_name, "hmac(sha256)");
    truncated.alg_trunc_len = 128;

    auto sa = sa_of(Message(XFRM_MSG_NEWSA)
                        .raw(tunnel_info())
                        .attribute(XFRMA_ALG_AUTH, auth)
                        .attribute(XFRMA_ALG_AUTH_TRUNC, truncated)
                        .attribute(XFRMA_ALG_CRYPT, crypt));
    EXPECT_EQ(sa.auth, "hmac(sha256)");
    EXPECT_EQ(sa.crypt, "cbc(aes)");
    EXPECT_THAT(why_punted(sa), IsEmpty());

    sa = sa_of(Message(XFRM_MSG_NEWSA).raw(tunnel_info()).attribute(XFRMA_ALG_AUTH, auth));
    EXPECT_EQ(sa.auth, "hmac(sha256)");
}

TEST(SaMessage, KeepsWhatPuntsIt)
{
    auto sa = sa_of(gcm_message()
                        .attribute(XFRMA_ENCAP, xfrm_encap_tmpl{UDP_ENCAP_ESPINUDP, htons(4500),
                                                                htons(1024), {}})
                        .attribute(XFRMA_OFFLOAD_DEV, xfrm_user_offload{})
                        .attribute(XFRMA_MARK, xfrm_mark{1, 0xff})
                        .attribute(XFRMA_SA_EXTRA_FLAGS, std::uint32_t{1})
                        .attribute(XFRMA_SEC_CTX, xfrm_user_sec_ctx{}));

    ASSERT_TRUE(sa.encap);
    EXPECT_EQ(sa.encap->type, UDP_ENCAP_ESPINUDP);
    EXPECT_EQ(sa.encap->source_port, 4500);
    EXPECT_EQ(sa.encap->destination_port, 1024);
    EXPECT_TRUE(sa.offload);
    EXPECT_TRUE(sa.security);
    EXPECT_EQ(sa.mark_mask, 0xffU);
    EXPECT_EQ(sa.extra_flags, 1U);
}

TEST(SaMessage, OfAnotherKindIsNoSa)
{
    Message message(XFRM_MSG_NEWPOLICY);
    message.raw(xfrm_userpolicy_info{});
    auto sa = parse_sa(message.get());

    ASSERT_TRUE(sa);
    EXPECT_FALSE(*sa);
}

TEST(SaMessage, TooShortIsAnError)
{
    Message message(XFRM_MSG_NEWSA);
    message.raw(std::uint32_t{0});
    EXPECT_FALSE(parse_sa(message.get()));
}

TEST(SaMessage, AttributesThatLieAreLeftOut)
{
    // Shorter than what it should hold: no name can be taken from it.
    auto shorter = sa_of(Message(XFRM_MSG_NEWSA)
                             .raw(tunnel_info())
                             .attribute(XFRMA_ALG_AEAD, std::uint32_t{0x41414141})
                             .attribute(XFRMA_MARK, std::uint32_t{1}));
    EXPECT_EQ(shorter.aead, "");
    EXPECT_EQ(shorter.mark_mask, 0U);

    auto beyond = sa_of(gcm_message().lying_attribute(XFRMA_ENCAP));
    EXPECT_FALSE(beyond.encap);
    EXPECT_EQ(beyond.aead, "rfc4106(gcm(aes))");

    // A name that fills its field has no end of its own.
    Aead aead;
    std::memset(aead.name, 'x', sizeof(aead.name));
    std::memset(aead.key, 'k', sizeof(aead.key));
    auto endless =
        sa_of(Message(XFRM_MSG_NEWSA).raw(tunnel_info()).attribute(XFRMA_ALG_AEAD, aead));
    EXPECT_EQ(endless.aead, std::string(64, 'x'));
}

TEST(SaMessage, AttributesOfALaterKernelAreIgnored)
{
    auto sa = sa_of(gcm_message().attribute(200, std::uint32_t{1}));
    EXPECT_THAT(why_punted(sa), IsEmpty());
}

ifinfomsg device_header(unsigned flags)
{
    ifinfomsg header{};
    header.ifi_index = 4;
    header.ifi_type = ARPHRD_ETHER;
    header.ifi_flags = flags;
    return header;
}

Link link_of(Message &message)
{
    auto link = parse_link(message.get());
    if (!link || !*link) {
        ADD_FAILURE() << "not parsed";
        return {};
    }
    return **link;
}

TEST(LinkMessage, IsReadFieldByField)
{
    Message info(0);
    info.text(IFLA_INFO_KIND, "veth");
    Message message(RTM_NEWLINK);
    message.raw(device_header(IFF_UP))
        .text(IFLA_IFNAME, "wan0")
        .attribute(IFLA_MTU, std::uint32_t{1500})
        .attribute(IFLA_LINK, std::uint32_t{9})
        .attribute(IFLA_LINK_NETNSID, std::uint32_t{1})
        .nest(IFLA_LINKINFO, info);
    auto link = link_of(message);

    EXPECT_EQ(link.index, 4U);
    EXPECT_EQ(link.name, "wan0");
    EXPECT_EQ(link.kind, "veth");
    EXPECT_EQ(link.mtu, 1500U);
    EXPECT_EQ(link.lower, 9U);
    EXPECT_TRUE(link.lower_away);
    EXPECT_TRUE(link.up);
    EXPECT_TRUE(link.ethernet);
    EXPECT_FALSE(link.loopback);
}

TEST(LinkMessage, OfHardwareHasNoKind)
{
    Message message(RTM_NEWLINK);
    message.raw(device_header(0)).text(IFLA_IFNAME, "eth0");
    auto link = link_of(message);

    EXPECT_EQ(link.kind, "");
    EXPECT_FALSE(link.up);
    EXPECT_FALSE(link.lower_away);
}

TEST(LinkMessage, TooShortIsAnError)
{
    Message message(RTM_NEWLINK);
    message.raw(std::uint32_t{0});
    EXPECT_FALSE(parse_link(message.get()));
}

TEST(LinkList, FindsByNameAndIndexOrSaysWhatToDo)
{
    std::vector<Link> links(2);
    links[0].index = 3;
    links[0].name = "lan0";
    links[1].index = 4;
    links[1].name = "wan0";

    EXPECT_EQ(find_link(links, "wan0")->index, 4U);
    EXPECT_EQ(find_link(links, 3)->name, "lan0");
    EXPECT_EQ(find_link(links, 5U), nullptr);
    auto missing = find_link(links, std::string("dmz0"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().cause, "there is no network device 'dmz0' in this network namespace");
    EXPECT_FALSE(missing.error().remedy.empty());
}

TEST(FilterMessage, NamesTheProgram)
{
    Message options(0);
    options.attribute(TCA_BPF_ID, std::uint32_t{77}).text(TCA_BPF_NAME, "policer");
    Message message(RTM_NEWTFILTER);
    message.raw(tcmsg{}).text(TCA_KIND, "bpf").nest(TCA_OPTIONS, options);
    auto program = parse_filter(message.get());

    ASSERT_TRUE(program && *program);
    EXPECT_EQ((*program)->id, 77U);
    EXPECT_EQ(describe(**program), "'policer' (id 77)");
}

TEST(FilterMessage, WithoutAProgramIsNothing)
{
    Message chain(RTM_NEWTFILTER);
    chain.raw(tcmsg{}).text(TCA_KIND, "bpf");
    Message flower(RTM_NEWTFILTER);
    flower.raw(tcmsg{}).text(TCA_KIND, "flower");

    for (auto *message : {&chain, &flower}) {
        auto program = parse_filter(message->get());
        ASSERT_TRUE(program);
        EXPECT_FALSE(*program);
    }
}

TEST(NetdevFamily, IsKnownByItsName)
{
    const auto family = [](const char *name) {
        return Message(GENL_ID_CTRL)
            .raw(genlmsghdr{CTRL_CMD_NEWFAMILY, 2, 0})
            .text(CTRL_ATTR_FAMILY_NAME, name)
            .attribute(CTRL_ATTR_FAMILY_ID, std::uint16_t{37});
    };
    EXPECT_EQ(*parse_netdev_family(family("netdev").get()), 37);
    EXPECT_EQ(*parse_netdev_family(family("netdevs").get()), std::nullopt);
    EXPECT_EQ(*parse_netdev_family(Message(GENL_ID_CTRL).get()), std::nullopt);
}

TEST(RxMetadataMessage, SaysWhetherTheDriverTellsOfVlanTags)
{
    const auto device = [](std::uint64_t features) {
        return Message(37)
            .raw(genlmsghdr{1, 1, 0})
            .attribute(1, std::uint32_t{4})
            .attribute(5, features);
    };
    const auto tells = *parse_rx_metadata(device(7).get());
    ASSERT_TRUE(tells);
    EXPECT_EQ(tells->ifindex, 4U);
    EXPECT_TRUE(tells->vlan_tag);
    EXPECT_FALSE((*parse_rx_metadata(device(3).get()))->vlan_tag);
    EXPECT_EQ(*parse_rx_metadata(Message(37).raw(genlmsghdr{1, 1, 0}).get()), std::nullopt);
}

} // namespace
} // namespace xfrm_xdp
