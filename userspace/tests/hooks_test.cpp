// SPDX-License-Identifier: GPL-2.0-or-later
// Netfilter hooks as the kernel lists them, and those that are outside the learner's.
#include "check.hpp"
#include "message.hpp"

#include <arpa/inet.h>
#include <climits>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_hook.h>

namespace xfrm_xdp {
namespace {

using test::Message;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t learner = 42;

Message hook_message(int priority, const char *function)
{
    Message message(NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET);
    message.raw(nfgenmsg{NFPROTO_IPV4, NFNETLINK_V0, 0})
        .text(NFNLA_HOOK_FUNCTION_NAME, function)
        .attribute(NFNLA_HOOK_HOOKNUM, htonl(NF_INET_POST_ROUTING))
        .attribute(NFNLA_HOOK_PRIORITY, htonl(static_cast<std::uint32_t>(priority)));
    return message;
}

TEST(ParseHook, AChainWithItsTable)
{
    Message desc(0), info(0);
    desc.text(NFNLA_CHAIN_TABLE, "mine")
        .text(NFNLA_CHAIN_NAME, "last")
        .attribute(NFNLA_CHAIN_FAMILY, std::uint8_t{NFPROTO_INET});
    info.attribute(NFNLA_HOOK_INFO_TYPE, htonl(NFNL_HOOK_TYPE_NFTABLES))
        .nest(NFNLA_HOOK_INFO_DESC, desc);
    auto message = hook_message(INT_MIN, "nft_do_chain_inet");
    message.text(NFNLA_HOOK_MODULE_NAME, "nf_tables").nest(NFNLA_HOOK_CHAIN_INFO, info);

    auto hook = parse_hook(message.get());
    ASSERT_TRUE(hook && *hook);
    EXPECT_EQ((*hook)->priority, INT_MIN);
    EXPECT_EQ((*hook)->module, "nf_tables");
    EXPECT_EQ(describe(**hook), "chain 'last' of table 'inet mine' at priority -2147483648");
}

TEST(ParseHook, ABpfProgram)
{
    Message desc(0), info(0);
    desc.attribute(1, htonl(7)); // NFNLA_HOOK_BPF_ID
    info.attribute(NFNLA_HOOK_INFO_TYPE, htonl(2)).nest(NFNLA_HOOK_INFO_DESC, desc);
    auto message = hook_message(-5, "nf_hook_run_bpf");
    message.nest(NFNLA_HOOK_CHAIN_INFO, info);

    auto hook = parse_hook(message.get());
    ASSERT_TRUE(hook && *hook);
    EXPECT_EQ((*hook)->program, 7U);
    EXPECT_EQ(describe(**hook), "BPF program 7 at priority -5");
}

TEST(ParseHook, AFunctionOfTheKernelOrOfAModule)
{
    auto message = hook_message(INT_MAX, "strange");
    auto hook = parse_hook(message.get());
    ASSERT_TRUE(hook && *hook);
    EXPECT_EQ(describe(**hook), "the function strange at priority 2147483647");
    message.text(NFNLA_HOOK_MODULE_NAME, "odd");
    hook = parse_hook(message.get());
    ASSERT_TRUE(hook && *hook);
    EXPECT_EQ(describe(**hook), "the function strange of module odd at priority 2147483647");
}

TEST(ParseHook, WithoutAPriorityIsNoHook)
{
    Message message(NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET);
    message.raw(nfgenmsg{NFPROTO_IPV4, NFNETLINK_V0, 0}).lying_attribute(NFNLA_HOOK_PRIORITY);

    EXPECT_FALSE(parse_hook(message.get()));
}

Hook ours(int priority)
{
    return {priority, "nf_hook_run_bpf", "", "", "", learner};
}

Hook chain(int priority, const char *name)
{
    return {priority, "nft_do_chain_ipv4", "nf_tables", "ip mine", name, 0};
}

HookList post(std::vector<Hook> hooks)
{
    return {NFPROTO_IPV4, NF_INET_POST_ROUTING, std::move(hooks)};
}

TEST(OutsideLearner, TheKernelsOwnDoNotCount)
{
    EXPECT_THAT(outside_learner(post({chain(300, "filter"),
                                      ours(INT_MAX - 1),
                                      {INT_MAX - 1, "ipv4_synproxy_hook", "nf_synproxy_core"},
                                      {INT_MAX, "nf_confirm", "nf_conntrack"}}),
                                learner),
                IsEmpty());
    EXPECT_THAT(
        outside_learner(
            {NFPROTO_IPV6,
             NF_INET_PRE_ROUTING,
             {{INT_MIN, "ip_sabotage_in", "br_netfilter"}, ours(INT_MIN + 1), chain(-300, "raw")}},
            learner),
        IsEmpty());
}

// A function of that name that a chain or a BPF link has is not the kernel's.
TEST(OutsideLearner, WhatStandsBehindOurs)
{
    auto named = [](const char *name) { return Field(&Hook::chain, name); };

    EXPECT_THAT(outside_learner(post({chain(0, "inside"), ours(INT_MAX - 1),
                                      chain(INT_MAX - 1, "earlier"), chain(INT_MAX, "last")}),
                                learner),
                ElementsAre(named("earlier"), named("last")));
    // Of our priority and before ours: inside.
    EXPECT_THAT(outside_learner(post({chain(INT_MAX - 1, "later"), ours(INT_MAX - 1)}), learner),
                IsEmpty());
    EXPECT_THAT(outside_learner({NFPROTO_IPV4,
                                 NF_INET_LOCAL_IN,
                                 {ours(INT_MAX - 1), {INT_MAX, "nf_confirm", "", "", "", 9}}},
                                learner),
                ElementsAre(Field(&Hook::program, 9U)));
}

TEST(OutsideLearner, WhatStandsBeforeOurs)
{
    EXPECT_THAT(outside_learner({NFPROTO_IPV4,
                                 NF_INET_PRE_ROUTING,
                                 {chain(INT_MIN, "first"), chain(INT_MIN + 1, "later"),
                                  ours(INT_MIN + 1), chain(INT_MIN + 1, "earlier")}},
                                learner),
                ElementsAre(Field(&Hook::chain, "first"), Field(&Hook::chain, "later")));
}

// It could not come to where another has its own priority.
TEST(OutsideLearner, WhereItIsNotYet)
{
    EXPECT_THAT(outside_learner(post({chain(INT_MAX - 2, "in"), chain(INT_MAX - 1, "out")}), 0),
                ElementsAre(Field(&Hook::chain, "out")));
    EXPECT_THAT(outside_learner({NFPROTO_IPV4,
                                 NF_INET_PRE_ROUTING,
                                 {chain(INT_MIN + 1, "out"), chain(INT_MIN + 2, "in")}},
                                0),
                ElementsAre(Field(&Hook::chain, "out")));
    // And not a place of ours.
    EXPECT_THAT(outside_learner({NFPROTO_IPV4, NF_INET_FORWARD, {chain(INT_MAX, "far")}}, 0),
                IsEmpty());
}

TEST(HookCheck, NamesTheChainThePlaceAndTheRemedy)
{
    auto checks = check_hooks({post({ours(INT_MAX - 1), chain(INT_MAX, "last")}),
                               {NFPROTO_IPV6, NF_INET_PRE_ROUTING, {chain(INT_MIN, "first")}}},
                              learner);

    ASSERT_THAT(checks, SizeIs(2));
    EXPECT_EQ(checks[0].level, Level::warn);
    EXPECT_THAT(checks[0].detail, HasSubstr("chain 'last' of table 'ip mine' at priority "
                                            "2147483647 stands behind all others at "
                                            "POST_ROUTING of IPv4"));
    EXPECT_THAT(checks[0].remedy, HasSubstr("2147483645 or less"));
    EXPECT_THAT(checks[1].detail, HasSubstr("before all others at PRE_ROUTING of IPv6"));
    EXPECT_THAT(checks[1].remedy, HasSubstr("-2147483646 or more"));
}

TEST(HookCheck, NothingOutsideIsWell)
{
    auto checks = check_hooks({post({ours(INT_MAX - 1)})}, learner);

    ASSERT_THAT(checks, SizeIs(1));
    EXPECT_EQ(checks[0].level, Level::ok);
}

} // namespace
} // namespace xfrm_xdp
