// SPDX-License-Identifier: GPL-2.0-or-later
// What status says, and the names of pins.
#include "attach_output.hpp"
#include "pins.hpp"
#include "shared_part.hpp"
#include "status.hpp"
#include "status_json.hpp"
#include "undo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xfrm_xdp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Attached attached()
{
    Attached device;
    device.device = "wan0";
    device.ifindex = 4;
    device.xdp = {"xdp-wan0", 20, 4};
    device.tc = {"tc-wan0", 21, 4};
    return device;
}

Link up(const char *kind)
{
    Link link;
    link.index = 4;
    link.name = "wan0";
    link.kind = kind;
    link.up = true;
    return link;
}

XdpState running(XdpMode mode, bool transmit)
{
    return {{{mode, 20}}, {true, true, transmit}};
}

TEST(DeviceStatus, ReadyBothWays)
{
    auto link = up("");
    auto status = device_status(attached(), &link, running(XdpMode::native, true));

    EXPECT_EQ(status.mode, XdpMode::native);
    EXPECT_EQ(status.xdp_program, 20U);
    EXPECT_EQ(status.tc_program, 21U);
    EXPECT_TRUE(status.receives);
    EXPECT_TRUE(status.sends);
    EXPECT_THAT(status.problems, IsEmpty());
}

TEST(DeviceStatus, WithoutTransmitItReceivesOnly)
{
    auto link = up("veth");
    auto status = device_status(attached(), &link, running(XdpMode::generic, false));

    EXPECT_EQ(status.mode, XdpMode::generic);
    EXPECT_TRUE(status.receives);
    EXPECT_FALSE(status.sends);
    EXPECT_THAT(status.problems, ElementsAre(HasSubstr("peer has GRO on")));
}

TEST(DeviceStatus, ADownDeviceDoesNeither)
{
    auto link = up("");
    link.up = false;
    auto status = device_status(attached(), &link, running(XdpMode::native, true));

    EXPECT_FALSE(status.receives);
    EXPECT_FALSE(status.sends);
    EXPECT_THAT(status.problems, Contains("the device is down"));
}

TEST(DeviceStatus, ADetachedProgramIsNoticed)
{
    auto link = up("");
    auto device = attached();
    device.tc = {};
    auto status = device_status(device, &link, running(XdpMode::native, true));

    EXPECT_FALSE(status.receives);
    EXPECT_THAT(status.problems, ElementsAre("its tc program was detached"));

    // Somebody else's program is not ours.
    auto other = running(XdpMode::native, true);
    other.programs[0].id = 99;
    status = device_status(attached(), &link, other);
    EXPECT_FALSE(status.receives);
    EXPECT_EQ(status.mode, std::nullopt);
    EXPECT_THAT(status.problems, ElementsAre("its XDP program was detached"));
}

TEST(DeviceStatus, AGoneDeviceIsGone)
{
    Attached device;
    device.device = "wan0";
    device.xdp = {"xdp-wan0", 20, 0};
    auto status = device_status(device, nullptr, {});

    EXPECT_TRUE(status.gone);
    EXPECT_FALSE(status.receives);
    EXPECT_FALSE(status.sends);
    EXPECT_THAT(status.problems, ElementsAre("the device is gone"));
}

NamespaceStatus gateway()
{
    auto link = up("veth");
    NamespaceStatus status;
    status.id = 4026532200;
    status.name = "gw1";
    status.devices.push_back(device_status(attached(), &link, running(XdpMode::native, false)));
    status.flows = 3;
    status.flows_max = 65536;
    return status;
}

TEST(StatusText, ShowsDevicesAndFlows)
{
    auto gw = gateway();
    gw.map_bytes = 12 * 1024 * 1024;
    gw.table = TableUsage{5, 1048576, 2, 131072, 7000};
    auto text = render_status({gw}, "loaded, version 0.1");

    EXPECT_EQ(text,
              "module xfrm_xdp: loaded, version 0.1\n"
              "\n"
              "network namespace gw1\n"
              "  DEVICE  XDP     IN   OUT  XDP PROG  TC PROG  NOTE\n"
              "  wan0    native  yes  no         20       21  takes no XDP frames until its peer "
              "has GRO on or runs XDP\n"
              "  flows: 5 of at most 1048576\n"
              "  entries of SAs: 2 of at most 131072\n"
              "  memory: 6.8 KiB, 1000 bytes for each\n"
              "  flow map: 3 of at most 65536, 12.0 MiB, 192 bytes for each\n");
}

TEST(StatusText, SaysThatPlainFlowsAreLearned)
{
    auto status = gateway();
    status.plain = true;
    EXPECT_THAT(render_status({status}, "loaded"), HasSubstr(", those without an SA, too\n"));
    EXPECT_EQ(namespace_json(status).at("plain"), true);
}

TEST(StatusText, SaysSoWhenNothingIsAttached)
{
    EXPECT_THAT(render_status({}, "not loaded"), HasSubstr("Nothing is attached."));
}

TEST(StatusText, NamesOrphansAndBrokenOnes)
{
    auto status = gateway();
    status.name.clear();
    status.orphaned = true;
    status.missing = {"link-nf4-in", "prog-tc"};
    auto text = render_status({status}, "loaded");

    EXPECT_THAT(text, HasSubstr("network namespace 4026532200 (deleted"));
    EXPECT_THAT(text, HasSubstr("xfrm-xdp detach --orphaned"));
    EXPECT_THAT(text, HasSubstr("broken: link-nf4-in, prog-tc was removed"));
}

TEST(StatusJson, HasEveryFieldWithItsType)
{
    auto json = namespace_json(gateway());

    EXPECT_EQ(json.at("name"), "gw1");
    EXPECT_EQ(json.at("id"), 4026532200U);
    EXPECT_EQ(json.at("orphaned"), false);
    EXPECT_EQ(json.at("flows"), 3);
    EXPECT_EQ(json.at("flows_max"), 65536);
    EXPECT_EQ(json.at("plain"), false);
    EXPECT_TRUE(json.at("table").is_null());
    EXPECT_TRUE(json.at("missing").empty());
    const auto &device = json.at("devices").at(0);
    EXPECT_EQ(device.at("device"), "wan0");
    EXPECT_EQ(device.at("mode"), "native");
    EXPECT_EQ(device.at("xdp_program"), 20);
    EXPECT_EQ(device.at("receives"), true);
    EXPECT_EQ(device.at("sends"), false);
    EXPECT_EQ(device.at("problems").size(), 1U);
}

TEST(TableUsage, IsWhatTheKernelSays)
{
    auto usage = parse_table_usage(
        "Flows\t1000\nMaxFlows\t1048576\nSas\t24\nMaxSas\t131072\n"
        "FlowBytes\t192\nBundles\t512\nBundleBytes\t448\nSlotBytes\t8192\nHashBytes\t16384\n");

    ASSERT_TRUE(usage);
    EXPECT_EQ(usage->bytes, 1024 * 192 + 512 * 448 + 8192 + 16384U);
    EXPECT_EQ(usage->bytes_per_flow(), 192 + 224 + 8 + 16U);
    EXPECT_EQ(table_json(*usage).at("bytes_per_flow"), 440);
    EXPECT_EQ(TableUsage{}.bytes_per_flow(), 0U);
}

TEST(TableUsage, OfAnotherVersionIsRefused)
{
    auto usage = parse_table_usage("Flows\t1000\n");

    ASSERT_FALSE(usage);
    EXPECT_THAT(usage.error().cause, HasSubstr("MaxFlows"));
}

TEST(FlowLimit, IsTheModules)
{
    EXPECT_TRUE(check_flows(1048576, 1048576));
    auto refused = check_flows(2000000, 1048576);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().cause, HasSubstr("no more than 1048576 flows"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("echo 2000000 >"));
}

TEST(StatusJson, AModeThatIsNotKnownIsNull)
{
    auto status = gateway();
    status.devices[0].mode.reset();
    EXPECT_TRUE(namespace_json(status).at("devices").at(0).at("mode").is_null());
}

TEST(AttachOutput, SaysWhatIsNewAndWhatCannotSend)
{
    auto output = attach_output(
        {{"lan0", XdpMode::native, true, true}, {"wan0", XdpMode::generic, false, false}});

    EXPECT_EQ(output.text, "lan0: was already attached, native XDP\n"
                           "wan0: attached, generic XDP; takes no XDP frames from other devices, "
                           "see 'xfrm-xdp doctor'\n");
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.json.dump(),
              R"({"attached":[{"device":"lan0","mode":"native","already":true,"sends":true,)"
              R"("changes":[],"notes":[]},{"device":"wan0","mode":"generic","already":false,)"
              R"("sends":false,"changes":[],"notes":[]}]})");
}

TEST(PinName, DotsOfDevicesSurvive)
{
    EXPECT_EQ(pin_name("xdp", "eth0.100"), "xdp-eth0:100");
    EXPECT_EQ(device_of_pin("xdp", "xdp-eth0:100"), "eth0.100");
    EXPECT_EQ(device_of_pin("tc", "tc-br-lan"), "br-lan");
}

TEST(PinName, OfAnotherKindIsNoDevice)
{
    for (const char *name : {"flows", "prog-xdp", "link-nf4-post", "xdp", "tc-wan0", "xdpwan0"})
        EXPECT_EQ(device_of_pin("xdp", name), "") << name;
}

TEST(PinName, NoPinOfTheNamespaceLooksLikeADevice)
{
    EXPECT_EQ(namespace_pins().size(), 12U);
    for (const auto &name : namespace_pins())
        for (const char *kind : {"xdp", "tc"})
            EXPECT_EQ(device_of_pin(kind, name), "") << name;
}

TEST(Inventory, ALivingDeviceComesBeforeAGoneOneOfItsName)
{
    Attached gone;
    gone.device = "wan0";
    gone.xdp = {"xdp-wan0", 20, 0};
    Inventory inventory;
    inventory.devices = {gone, attached()};

    ASSERT_NE(inventory.find("wan0"), nullptr);
    EXPECT_FALSE(inventory.find("wan0")->gone());
    EXPECT_EQ(inventory.find("lan0"), nullptr);
    EXPECT_TRUE(inventory.any_alive());
    inventory.devices = {gone};
    EXPECT_TRUE(inventory.find("wan0")->gone());
    EXPECT_FALSE(inventory.any_alive());
}

TEST(Undo, TakesBackInReverseUnlessCommitted)
{
    std::string order;
    {
        Undo undo;
        undo.add([&] { order += 'a'; });
        undo.add([&] { order += 'b'; });
    }
    EXPECT_EQ(order, "ba");
    {
        Undo undo;
        undo.add([&] { order += 'c'; });
        undo.commit();
    }
    EXPECT_EQ(order, "ba");
}

} // namespace
} // namespace xfrm_xdp
