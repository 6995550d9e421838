// SPDX-License-Identifier: GPL-2.0-or-later
// What people and programs are told when something fails.
#include "app.hpp"
#include "attach.hpp"
#include "bpf.hpp"
#include "files.hpp"
#include "netns.hpp"
#include "refusal.hpp"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace xfrm_xdp {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Ended {
    int status;
    std::string out;
    std::string err;
};

Ended run_with(const std::vector<std::string> &arguments)
{
    std::ostringstream out, err;
    int status = run(arguments, {}, out, err);
    return {status, out.str(), err.str()};
}

constexpr const char *no_netns = "no-such-namespace-of-a-test";

TEST(Error, IsCauseThenRemedyForPeople)
{
    EXPECT_EQ(render_error({"the device is gone", "plug it in", 0}),
              "xfrm-xdp: the device is gone.\nPlug it in.\n");
    EXPECT_EQ(render_error({"the device is gone", "", 0}), "xfrm-xdp: the device is gone.\n");
}

TEST(Error, IsAnObjectForPrograms)
{
    EXPECT_EQ(error_json({"a", "b", 0}).dump(), R"({"error":"a","remedy":"b"})");
}

TEST(Error, NamesTheErrno)
{
    auto error = errno_error(-ENOENT, "cannot open it");

    EXPECT_EQ(error.cause, "cannot open it: No such file or directory");
    EXPECT_EQ(error.code, ENOENT);
}

TEST(Run, AMissingNamespaceGoesToStderr)
{
    auto ended = run_with({"--netns", no_netns, "status"});

    EXPECT_EQ(ended.status, status_failed);
    EXPECT_THAT(ended.out, IsEmpty());
    EXPECT_THAT(ended.err, StartsWith("xfrm-xdp: there is no network namespace "
                                      "'no-such-namespace-of-a-test'.\n"));
    EXPECT_THAT(ended.err, HasSubstr("ip netns list"));
}

TEST(Run, WithJsonAnErrorIsAnObjectOnStdout)
{
    auto ended = run_with({"--netns", no_netns, "status", "-j"});
    auto json = nlohmann::json::parse(ended.out);

    EXPECT_EQ(ended.status, status_failed);
    EXPECT_THAT(ended.err, IsEmpty());
    EXPECT_THAT(json.at("error").get<std::string>(), HasSubstr("no network namespace"));
    EXPECT_THAT(json.at("remedy").get<std::string>(), Not(IsEmpty()));
    EXPECT_EQ(json.size(), 2U);
}

TEST(Run, WrongUsageIsTwo)
{
    auto text = run_with({"attach"});
    EXPECT_EQ(text.status, status_usage);
    EXPECT_THAT(text.out, IsEmpty());
    EXPECT_THAT(text.err, HasSubstr("'xfrm-xdp --help' shows the usage"));

    auto json = run_with({"-j", "attach"});
    EXPECT_EQ(json.status, status_usage);
    EXPECT_TRUE(nlohmann::json::parse(json.out).contains("error"));
}

TEST(Run, HelpIsNoError)
{
    auto ended = run_with({"--help"});

    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.out, HasSubstr("Examples:"));
    EXPECT_THAT(ended.err, IsEmpty());
}

TEST(LoadError, NamesTheMissingKfunc)
{
    auto error = load_error(
        EINVAL, "libbpf: extern (func ksym) 'bpf_xdp_xfrm_flow': not found in kernel or module "
                "BTFs\nlibbpf: failed to load object 'xfrm_xdp'\n");

    EXPECT_EQ(error.cause, "the kernel offers no kfunc 'bpf_xdp_xfrm_flow' of this form");
    EXPECT_THAT(error.remedy, HasSubstr("module"));
}

TEST(LoadError, NamesTheProgramThatTheVerifierRefused)
{
    auto error = load_error(EACCES, "libbpf: prog 'xfrm_xdp_ingress': BPF program load failed: "
                                    "Permission denied\nlibbpf: prog 'xfrm_xdp_ingress': -- BEGIN "
                                    "PROG LOAD LOG --\n0: R1=ctx()\n-- END PROG LOAD LOG --\n");

    EXPECT_EQ(error.cause, "the kernel's verifier refused program 'xfrm_xdp_ingress'");
    EXPECT_THAT(error.remedy, HasSubstr("-v"));
}

TEST(LoadError, TellsMissingRightsAndMissingBtf)
{
    EXPECT_THAT(load_error(EPERM, "").remedy, HasSubstr("root"));
    EXPECT_THAT(load_error(ESRCH, "libbpf: failed to find valid kernel BTF\n").cause,
                HasSubstr("no BTF"));
    EXPECT_THAT(load_error(ENOMEM, "").cause, HasSubstr("Cannot allocate memory"));
}

Refused refused(const char *kind, const char *driver)
{
    Refused facts;
    facts.device.name = "eth0";
    facts.device.kind = kind;
    facts.device.mtu = 9000;
    facts.features.driver = driver;
    return facts;
}

TEST(XdpAttachError, OffersGenericWhereTheDriverHasNone)
{
    auto error = xdp_attach_error(EOPNOTSUPP, refused("", "e100"), XdpMode::native);

    EXPECT_EQ(error.cause, "the driver of eth0 has no native XDP");
    EXPECT_THAT(error.remedy, HasSubstr("--mode generic"));
}

TEST(XdpAttachError, AlwaysNamesTheDeviceAndARemedy)
{
    const Refused all[] = {refused("", "e100"), refused("", "virtio_net"), refused("veth", "veth")};

    for (int code : {EOPNOTSUPP, EEXIST, ERANGE, EINVAL, ENOSPC, EPERM, ENOMEM, ENOTCONN})
        for (auto mode : {XdpMode::native, XdpMode::generic})
            for (const auto &facts : all) {
                auto error = xdp_attach_error(code, facts, mode);
                EXPECT_THAT(error.cause, HasSubstr("eth0")) << code;
                EXPECT_THAT(error.remedy, Not(IsEmpty())) << code;
                EXPECT_EQ(error.code, code);
            }
}

TEST(XdpAttachError, TheMtuOfAVethsOtherEnd)
{
    auto facts = refused("veth", "veth");
    facts.device.mtu = 1500;
    facts.peer.emplace();
    facts.peer->name = "far0";
    facts.peer->mtu = 9000;
    facts.peer_text = "far0 in network namespace 'box'";
    auto error = xdp_attach_error(ERANGE, facts, XdpMode::native);

    EXPECT_THAT(error.cause, HasSubstr("far0 in network namespace 'box', the other end of eth0, "
                                       "has an MTU of 9000"));
    EXPECT_THAT(error.remedy, HasSubstr("'ip link set far0 mtu "));

    // Of one that cannot be seen only the number is known.
    facts.peer.reset();
    facts.device.lower = 7;
    EXPECT_THAT(xdp_attach_error(ERANGE, facts, XdpMode::native).cause,
                HasSubstr("device 7 of another network namespace"));
}

TEST(XdpAttachError, WhatTheHostOfAVirtioDeviceLeavesToIt)
{
    auto facts = refused("", "virtio_net");

    EXPECT_THAT(xdp_attach_error(EINVAL, facts, XdpMode::native).cause,
                HasSubstr("eth0 has an MTU of 9000"));
    EXPECT_THAT(xdp_attach_error(EOPNOTSUPP, facts, XdpMode::native).remedy,
                HasSubstr("guest_csum"));
    facts.features.offloads_can_be_set = true;
    EXPECT_THAT(xdp_attach_error(EOPNOTSUPP, facts, XdpMode::native).cause,
                HasSubstr("has no native XDP"));
}

TEST(Files, AMissingFileIsAnErrorWithItsName)
{
    auto text = read_file("/no/such/file");

    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().cause, HasSubstr("/no/such/file"));
    EXPECT_EQ(text.error().code, ENOENT);
}

TEST(Files, AProgramsStatusAndWordsAreKept)
{
    auto ran = run_program({"sh", "-c", "echo out; echo err >&2; exit 7"});

    ASSERT_TRUE(ran);
    EXPECT_EQ(ran->status, 7);
    EXPECT_EQ(ran->output, "out\nerr\n");
    EXPECT_FALSE(run_program({"no-such-program-of-a-test"}));
}

TEST(NetnsLink, IsParsedOrZero)
{
    EXPECT_EQ(parse_netns_link("net:[4026531840]"), 4026531840U);
    for (const char *text : {"", "net:", "net:[", "net:[]", "net:[12", "mnt:[12]", "net:[x]"})
        EXPECT_EQ(parse_netns_link(text), 0U) << text;
}

TEST(Netns, TheCurrentOneIsFound)
{
    auto here = current_netns();
    auto places = find_netns();

    ASSERT_TRUE(here);
    ASSERT_TRUE(places);
    EXPECT_TRUE(places->contains(*here));
}

} // namespace
} // namespace xfrm_xdp
