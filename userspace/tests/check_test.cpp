// SPDX-License-Identifier: GPL-2.0-or-later
// What doctor makes of what it finds.
#include "check.hpp"
#include "checks_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

namespace xfrm_xdp {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

SystemFacts all_well()
{
    SystemFacts facts;
    facts.root = true;
    facts.kernel_release = "6.12.117-cloud-amd64";
    facts.kernel_btf = true;
    facts.module_loaded = true;
    facts.module_available = true;
    facts.module_btf = true;
    facts.module_version = "0.1";
    facts.jit = 1;
    facts.esp4 = true;
    facts.esp6 = true;
    return facts;
}

// The only check that is not fine.
Check only_complaint(const std::vector<Check> &checks)
{
    std::vector<Check> bad;
    for (const auto &check : checks)
        if (check.level != Level::ok)
            bad.push_back(check);
    EXPECT_THAT(bad, SizeIs(1));
    return bad.empty() ? Check{} : bad.front();
}

TEST(SystemCheck, AllWell)
{
    auto checks = check_system(all_well());

    EXPECT_THAT(checks,
                Each(AllOf(Field(&Check::level, Level::ok), Field(&Check::remedy, IsEmpty()))));
}

struct Fault {
    const char *name;
    Level level;
    void (*set)(SystemFacts &);
};

class SystemFault : public testing::TestWithParam<Fault> {};

TEST_P(SystemFault, IsNamedWithARemedy)
{
    auto facts = all_well();
    GetParam().set(facts);
    auto complaint = only_complaint(check_system(facts));

    EXPECT_EQ(complaint.name, GetParam().name);
    EXPECT_EQ(complaint.level, GetParam().level);
    EXPECT_THAT(complaint.detail, Not(IsEmpty()));
    EXPECT_THAT(complaint.remedy, Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    SystemCheck, SystemFault,
    testing::Values(
        Fault{"root", Level::fail, [](SystemFacts &facts) { facts.root = false; }},
        Fault{"kernel", Level::fail, [](SystemFacts &facts) { facts.kernel_release = "6.11.9"; }},
        Fault{"kernel", Level::fail, [](SystemFacts &facts) { facts.kernel_release = "5.15.0"; }},
        Fault{"kernel", Level::warn, [](SystemFacts &facts) { facts.kernel_release = "odd"; }},
        Fault{"kernel BTF", Level::fail, [](SystemFacts &facts) { facts.kernel_btf = false; }},
        Fault{"module", Level::fail,
              [](SystemFacts &facts) { facts.module_loaded = facts.module_available = false; }},
        Fault{"module BTF", Level::fail, [](SystemFacts &facts) { facts.module_btf = false; }},
        Fault{"BPF JIT", Level::fail, [](SystemFacts &facts) { facts.jit = 0; }},
        Fault{"BPF JIT", Level::warn, [](SystemFacts &facts) { facts.jit.reset(); }},
        Fault{"bpffs", Level::fail,
              [](SystemFacts &facts) {
                  facts.no_bpffs = Error{"not mounted", "mount it"};
              }},
        Fault{"ESP", Level::warn, [](SystemFacts &facts) { facts.esp6 = false; }}));

TEST(SystemCheck, AnInstalledModuleNeedNotBeLoaded)
{
    auto facts = all_well();
    facts.module_loaded = facts.module_btf = false;

    EXPECT_EQ(count_level(check_system(facts), Level::ok), check_system(facts).size());
}

TEST(SystemCheck, NamesTheMissingEspModule)
{
    auto facts = all_well();
    facts.esp4 = false;
    EXPECT_THAT(only_complaint(check_system(facts)).detail, HasSubstr("no esp4"));
    EXPECT_THAT(only_complaint(check_system(facts)).detail, Not(HasSubstr("esp6")));
}

TEST(KernelRelease, IsParsedOrRefused)
{
    EXPECT_EQ(parse_release("6.12.117-cloud-amd64"), std::pair(6, 12));
    EXPECT_EQ(parse_release("7.3-rc1"), std::pair(7, 3));
    EXPECT_EQ(parse_release("6"), std::nullopt);
    EXPECT_EQ(parse_release("6."), std::nullopt);
    EXPECT_EQ(parse_release("x.12"), std::nullopt);
    EXPECT_EQ(parse_release(""), std::nullopt);
}

TEST(ForwardingCheck, OneFamilyIsEnough)
{
    EXPECT_EQ(check_forwarding({true, false}).level, Level::ok);
    EXPECT_EQ(check_forwarding({std::nullopt, true}).level, Level::ok);
    EXPECT_EQ(check_forwarding({false, false}).level, Level::warn);
    EXPECT_THAT(check_forwarding({false, std::nullopt}).remedy, HasSubstr("net.ipv4.ip_forward=1"));
}

Link veth()
{
    Link link;
    link.index = 4;
    link.name = "wan0";
    link.kind = "veth";
    link.up = true;
    link.ethernet = true;
    link.lower = 9;
    return link;
}

constexpr XdpFeatures capable{true, true, true};

TEST(DeviceCheck, AllWell)
{
    auto checks = check_device(veth(), capable, {}, "");

    ASSERT_THAT(checks, SizeIs(1));
    EXPECT_EQ(checks[0].level, Level::ok);
    EXPECT_EQ(checks[0].name, "wan0");
}

TEST(DeviceCheck, AVethWithoutTransmitNamesItsPeer)
{
    XdpFeatures no_transmit{true, true, false};

    EXPECT_THAT(only_complaint(check_device(veth(), no_transmit, {}, "peer0")).remedy,
                HasSubstr("'ethtool -K peer0 gro on'"));
    EXPECT_THAT(only_complaint(check_device(veth(), no_transmit, {}, "")).remedy,
                HasSubstr("device 9 of another namespace"));
    auto hardware = veth();
    hardware.kind.clear();
    EXPECT_THAT(only_complaint(check_device(hardware, no_transmit, {}, "")).remedy,
                HasSubstr("ndo_xdp_xmit"));
}

TEST(DeviceCheck, WithoutNativeXdpPointsToGeneric)
{
    auto complaint = only_complaint(check_device(veth(), {false, false, true}, {}, ""));

    EXPECT_EQ(complaint.level, Level::warn);
    EXPECT_THAT(complaint.remedy, HasSubstr("--mode generic"));
}

TEST(DeviceCheck, VlanTagsMustNotGetLost)
{
    LinkFeatures strips{"e1000", true};
    LinkFeatures keeps{"e1000", false};
    XdpFeatures tells = capable;
    tells.vlan_tags = true;
    XdpFeatures generic = tells;
    generic.native = false;

    EXPECT_EQ(check_device(veth(), tells, strips, "")[0].level, Level::ok);
    EXPECT_EQ(check_device(veth(), capable, keeps, "")[0].level, Level::ok);
    auto complaint = only_complaint(check_device(veth(), capable, strips, ""));
    EXPECT_THAT(complaint.detail, HasSubstr("VLAN"));
    EXPECT_THAT(complaint.remedy, HasSubstr("'ethtool -K wan0 rxvlan off rx-vlan-stag-hw-parse"));
    EXPECT_EQ(check_device(veth(), generic, strips, "").size(), 2U);
}

TEST(DeviceCheck, ADriverThatLosesMetadataIsNamed)
{
    EXPECT_THAT(only_complaint(check_device(veth(), capable, {"mlx4_en", false}, "")).detail,
                HasSubstr("loses XDP metadata"));
}

TEST(DeviceCheck, ADownDeviceIsNamed)
{
    auto link = veth();
    link.up = false;
    EXPECT_THAT(only_complaint(check_device(link, capable, {}, "")).remedy,
                HasSubstr("ip link set wan0 up"));
}

TEST(DeviceCheck, WhatVirtioDoesWithUnfinishedChecksums)
{
    LinkFeatures features{"virtio_net", false, true, true};

    auto complaint = only_complaint(check_device(veth(), capable, features, ""));
    EXPECT_THAT(complaint.detail, HasSubstr("drops frames whose checksum is not finished"));
    EXPECT_THAT(complaint.remedy, HasSubstr("guest_csum=off"));
    features.offloads_can_be_set = false;
    complaint = only_complaint(check_device(veth(), capable, features, ""));
    EXPECT_THAT(complaint.detail, HasSubstr("refuses native XDP"));
    features.unfinished_checksums = false;
    EXPECT_EQ(check_device(veth(), capable, features, "")[0].level, Level::ok);
}

Refused with_mtu(const char *driver, unsigned mtu, unsigned peer_mtu)
{
    Refused facts{veth(), {}, {}, "far0"};
    facts.device.kind = std::string_view(driver) == "veth" ? "veth" : "";
    facts.features.driver = driver;
    facts.device.mtu = mtu;
    if (peer_mtu) {
        facts.peer.emplace();
        facts.peer->name = "far0";
        facts.peer->mtu = peer_mtu;
        facts.peer->max_mtu = 3506;
    }
    return facts;
}

TEST(MtuCheck, SaysWhatAttachRefusesAndWhatTheKernelWill)
{
    EXPECT_THAT(check_mtu(with_mtu("veth", 9000, 1500), false), IsEmpty());
    EXPECT_THAT(check_mtu(with_mtu("veth", 1500, 0), false), IsEmpty());
    EXPECT_THAT(check_mtu(with_mtu("e1000", 9000, 0), false), IsEmpty());
    auto complaint = only_complaint(check_mtu(with_mtu("veth", 1500, 9000), false));
    EXPECT_THAT(complaint.detail, HasSubstr("far0, the other end of wan0, has an MTU of 9000"));
    EXPECT_THAT(complaint.detail, HasSubstr("'attach' will be refused"));
    auto attached = check_mtu(with_mtu("veth", 1500, 1500), true);
    ASSERT_THAT(attached, SizeIs(1));
    EXPECT_EQ(attached[0].level, Level::ok);
    EXPECT_THAT(attached[0].detail, HasSubstr("far0, can be 3506 at most"));
}

// Its driver does not refuse a larger MTU once it is attached.
TEST(MtuCheck, OfVirtio)
{
    EXPECT_THAT(check_mtu(with_mtu("virtio_net", 1500, 0), true), IsEmpty());
    EXPECT_THAT(only_complaint(check_mtu(with_mtu("virtio_net", 9000, 0), true)).detail,
                HasSubstr("larger frames are dropped"));
    EXPECT_THAT(only_complaint(check_mtu(with_mtu("virtio_net", 9000, 0), false)).detail,
                HasSubstr("'attach' will be refused"));
}

XfrmSa sa(std::uint8_t mode)
{
    XfrmSa made;
    made.source = "192.0.2.1";
    made.destination = "192.0.2.2";
    made.spi = 1;
    made.protocol = IPPROTO_ESP;
    made.mode = mode;
    made.aead = "rfc4106(gcm(aes))";
    return made;
}

TEST(SaCheck, GroupsThePuntedByTheirReasons)
{
    auto found_by_mark = sa(XFRM_MODE_TUNNEL);
    found_by_mark.mark_mask = 0xff;
    auto checks = check_sas({sa(XFRM_MODE_TUNNEL), sa(XFRM_MODE_ROUTEOPTIMIZATION),
                             sa(XFRM_MODE_ROUTEOPTIMIZATION), found_by_mark});

    ASSERT_THAT(checks, SizeIs(3));
    EXPECT_EQ(checks[0].level, Level::ok);
    EXPECT_EQ(checks[0].detail, "1 for the fast path");
    EXPECT_EQ(checks[1].level, Level::warn);
    EXPECT_THAT(checks[1].detail, HasSubstr("1 left to the stack: a mark with mask 0xff"));
    EXPECT_THAT(checks[2].detail, HasSubstr("2 left to the stack: mode ro (esp 192.0.2.1 > "
                                            "192.0.2.2 spi 0x00000001 and 1 more)"));
    EXPECT_THAT(checks[2].remedy, HasSubstr("as without the fast path"));
}

TEST(SaCheck, NoneIsNoFault)
{
    EXPECT_EQ(count_level(check_sas({}), Level::ok), 1U);
}

TEST(CheckText, LinesUpAndCounts)
{
    EXPECT_EQ(render_checks({{Level::ok, "kernel", "6.12.0", ""},
                             {Level::fail, "BPF JIT", "off", "turn it on"}}),
              "ok    kernel   6.12.0\n"
              "fail  BPF JIT  off\n"
              "               -> turn it on\n"
              "\n"
              "1 ok, 0 to look at, 1 failed\n");
}

TEST(CheckText, SaysASharedRemedyOnce)
{
    EXPECT_EQ(render_checks({{Level::warn, "SAs", "one", "the same"},
                             {Level::warn, "SAs", "two", "the same"},
                             {Level::warn, "wan0", "three", "the same"}}),
              "warn  SAs   one\n"
              "warn  SAs   two\n"
              "            -> the same\n"
              "warn  wan0  three\n"
              "            -> the same\n"
              "\n"
              "0 ok, 3 to look at, 0 failed\n");
}

TEST(CheckJson, HasChecksAndCounts)
{
    auto json =
        checks_json({{Level::ok, "kernel", "6.12.0", ""}, {Level::warn, "wan0", "down", "up"}});

    EXPECT_EQ(json.at("checks").at(1).at("level"), "warn");
    EXPECT_EQ(json.at("checks").at(1).at("name"), "wan0");
    EXPECT_EQ(json.at("checks").at(1).at("detail"), "down");
    EXPECT_EQ(json.at("checks").at(1).at("remedy"), "up");
    EXPECT_EQ(json.at("ok"), 1);
    EXPECT_EQ(json.at("warn"), 1);
    EXPECT_EQ(json.at("fail"), 0);
}

} // namespace
} // namespace xfrm_xdp
