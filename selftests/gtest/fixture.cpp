// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.hpp"

#include <arpa/inet.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <ostream>

namespace xfrm_xdp::test {
namespace {

using packet::Ipv4Address;
using packet::Ipv6Address;
using packet::pattern;

esp::Algorithm gcm(std::size_t key, std::size_t icv)
{
    return {esp::Cipher::aes_gcm, pattern(key + 4, 1), {}, icv};
}

esp::Algorithm cbc(std::size_t key, std::size_t icv)
{
    return {esp::Cipher::aes_cbc_hmac_sha256, pattern(key, 2), pattern(32, 3), icv};
}

Ipv4Address v4(const char *text)
{
    return *Ipv4Address::parse(text);
}

Ipv6Address v6(const char *text)
{
    return *Ipv6Address::parse(text);
}

Address gateway(Family family)
{
    return family == Family::v4 ? Address(v4("192.0.2.1")) : Address(v6("2001:db8::1"));
}

Address peer(Family family)
{
    return family == Family::v4 ? Address(v4("192.0.2.2")) : Address(v6("2001:db8::2"));
}

probe_request request_for(const Sa &sa, probe_request request)
{
    std::visit(
        [&](const auto &address) {
            std::memcpy(request.daddr, address.octets.data(), address.octets.size());
        },
        sa.destination);
    request.spi = htonl(sa.association.spi);
    request.family = family_of(sa.destination);
    request.proto = packet::proto_esp;
    request.mark = sa.mark.value_or(0);
    return request;
}

// Nothing can be tested without it; gtest would go on.
template <class T>
T required(Result<T> result)
{
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().cause.c_str());
        std::exit(1);
    }
    return *std::move(result);
}

template <class T>
T value(Result<T> result, const char *what)
{
    if (!result) {
        ADD_FAILURE() << what << ": " << result.error().cause;
        return T{};
    }
    return *std::move(result);
}

} // namespace

std::vector<NamedAlgorithm> algorithms()
{
    return {
        {"gcm128", gcm(16, 16)},
        {"gcm192", gcm(24, 16)},
        {"gcm256", gcm(32, 16)},
        {"gcm128_icv12", gcm(16, 12)},
        {"gcm128_icv8", gcm(16, 8)},
        {"cbc128_sha256_128", cbc(16, 16)},
        {"cbc256_sha256_128", cbc(32, 16)},
        {"cbc128_sha256_96", cbc(16, 12)},
    };
}

const NamedAlgorithm &algorithm(const std::string &name)
{
    static const auto all = algorithms();
    return *std::find_if(all.begin(), all.end(), [&](const auto &a) { return a.name == name; });
}

std::string Tunnel::name() const
{
    return algorithm.name + (esn ? "_esn" : "") + (inner == Family::v4 ? "_v4" : "_v6") + "in" +
           (outer == Family::v4 ? "v4" : "v6");
}

void PrintTo(const Tunnel &tunnel, std::ostream *out)
{
    *out << tunnel.name();
}

void PrintTo(const Replay &replay, std::ostream *out)
{
    *out << "seq " << replay.seq_hi << ':' << replay.seq << " oseq " << replay.oseq_hi << ':'
         << replay.oseq << " window " << replay.window << " bitmap" << std::hex;
    for (const std::uint32_t word : replay.bitmap)
        *out << ' ' << word;
    *out << std::dec;
}

void PrintTo(const XfrmEvent &event, std::ostream *out)
{
    *out << "kind " << static_cast<int>(event.kind) << " spi " << event.spi << " detail "
         << event.detail;
}

std::vector<Tunnel> family_mixes(const std::string &name, bool esn)
{
    std::vector<Tunnel> mixes;
    for (const Family inner : {Family::v4, Family::v6})
        for (const Family outer : {Family::v4, Family::v6})
            mixes.push_back({algorithm(name), esn, inner, outer});
    return mixes;
}

Sa make_sa(const Tunnel &tunnel, Way way)
{
    Sa sa;
    sa.source = way == Way::output ? gateway(tunnel.outer) : peer(tunnel.outer);
    sa.destination = way == Way::output ? peer(tunnel.outer) : gateway(tunnel.outer);
    sa.association = {tunnel.algorithm.algorithm, test_spi, tunnel.esn};
    return sa;
}

Sa make_sa(Way way)
{
    return make_sa({algorithm("gcm128"), false, Family::v4, Family::v4}, way);
}

packet::Ethernet ethernet_header()
{
    return {gateway_mac, peer_mac, std::nullopt};
}

packet::Network inner_header(Family family)
{
    if (family == Family::v4) {
        packet::Ipv4 ip;
        ip.source = v4("10.1.0.1");
        ip.destination = v4("10.2.0.1");
        ip.fragment = packet::ipv4_dont_fragment;
        return ip;
    }
    packet::Ipv6 ip;
    ip.source = v6("fd00:1::1");
    ip.destination = v6("fd00:2::1");
    ip.flow_label = 0x54321;
    return ip;
}

packet::Packet inner_packet(Family family, std::size_t size)
{
    const std::size_t headers =
        (family == Family::v4 ? packet::ipv4_length : packet::ipv6_length) + 8;
    packet::Packet packet;
    packet.network = inner_header(family);
    packet.transport = packet::Udp{40000, 4789, std::nullopt, std::nullopt};
    packet.payload = pattern(size - headers);
    return packet;
}

packet::Network outer_header(const Sa &sa)
{
    if (const auto *source = std::get_if<Ipv4Address>(&sa.source)) {
        packet::Ipv4 ip;
        ip.source = *source;
        ip.destination = std::get<Ipv4Address>(sa.destination);
        return ip;
    }
    packet::Ipv6 ip;
    ip.source = std::get<Ipv6Address>(sa.source);
    ip.destination = std::get<Ipv6Address>(sa.destination);
    return ip;
}

esp::TunnelFrame esp_frame(const Sa &sa, Family family, std::uint64_t sequence, std::size_t size)
{
    esp::TunnelFrame frame;
    frame.ethernet = ethernet_header();
    frame.outer = outer_header(sa);
    frame.esp.payload = inner_packet(family, size).build();
    frame.esp.sequence = sequence;
    frame.esp.next_header = family == Family::v4 ? packet::proto_ipip : packet::proto_ipv6;
    frame.esp.iv =
        pattern(sa.association.algorithm.iv_length(), static_cast<std::uint8_t>(sequence));
    return frame;
}

Bytes encode(const Sa &sa, const esp::TunnelFrame &frame)
{
    const auto result = esp::encode_frame(sa.association, frame);
    if (const auto *error = std::get_if<esp::Error>(&result)) {
        ADD_FAILURE() << esp::describe(*error);
        return {};
    }
    return std::get<Bytes>(result);
}

Bytes tagged(Bytes frame, std::uint16_t tci)
{
    const Bytes tag{0x81, 0x00, static_cast<std::uint8_t>(tci >> 8),
                    static_cast<std::uint8_t>(tci & 0xff)};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    return frame;
}

void XfrmTest::SetUp()
{
    sandbox_ = &place();
    const Status reset = sandbox_->reset();
    ASSERT_TRUE(reset) << reset.error().cause;
}

void XfrmTest::add(const Sa &sa)
{
    const Status added = table().add(sa);
    ASSERT_TRUE(added) << added.error().cause;
}

void XfrmTest::remove(const Sa &sa)
{
    const Status removed = table().remove(sa);
    ASSERT_TRUE(removed) << removed.error().cause;
}

Snapshot XfrmTest::snapshot(const Sa &sa)
{
    return value(table().get(sa), "SA");
}

Call XfrmTest::call(Way way, View frame, const Sa &sa, ProbeRun run)
{
    run.ifindex = sandbox().ifindex();
    run.request = request_for(sa, run.request);
    Call call;
    for (int attempt = 0; attempt < 100; attempt++) {
        call.before = snapshot(sa);
        const CounterText mib = value(read_kernel_mib(), "MIB");
        const CounterText module = value(read_module_counters(), "counters");
        call.outcome = value(probe(way).run(frame, run), "run");
        call.mib = difference(mib, value(read_kernel_mib(), "MIB"));
        call.module = packet_difference(module, value(read_module_counters(), "counters"));
        call.after = snapshot(sa);
        call.verdict = static_cast<std::uint32_t>(call.outcome.result.verdict);
        call.reason = call.outcome.result.opts.reason;
        tally().calls++;
        if (call.verdict != XFRM_XDP_TAKEN)
            break;
        tally().taken++;
        wait_taken(call, sa);
        if (way == Way::input)
            break;
    }
    return call;
}

Call XfrmTest::input(View frame, const Sa &sa, ProbeRun run)
{
    return call(Way::input, frame, sa, std::move(run));
}

Call XfrmTest::output(View frame, const Sa &sa, ProbeRun run)
{
    return call(Way::output, frame, sa, std::move(run));
}

void XfrmTest::wait_taken(Call &call, const Sa &sa)
{
    const bool finished = wait_until([&] {
        call.after = snapshot(sa);
        return call.after.state.packets == call.before.state.packets + 1;
    });
    EXPECT_TRUE(finished) << "a packet that was taken never came back";
}

Probe &probe(const std::string &name)
{
    static std::map<std::string, Probe> loaded;
    auto found = loaded.find(name);
    if (found == loaded.end())
        found = loaded.emplace(name, required(Probe::load(name))).first;
    return found->second;
}

Sandbox &shared_sandbox(std::size_t index)
{
    static std::vector<Sandbox> made;
    while (made.size() < 2)
        made.push_back(required(Sandbox::create()));
    return made[index];
}

Sandbox &veth_sandbox()
{
    static Sandbox made = required(Sandbox::create("veth"));
    return made;
}

Probe &probe(Way way)
{
    return probe(way == Way::input ? "probe_input" : "probe_output");
}

Tally &tally()
{
    static Tally tally;
    return tally;
}

std::vector<XfrmEvent> drained(XfrmEvents &events)
{
    return value(events.drain(), "events");
}

std::string hex(View bytes)
{
    return packet::to_hex(bytes);
}

namespace {

// Exactly one counter of the module moves with every call, by one.
void expect_reason(const Call &call, std::uint32_t reason)
{
    EXPECT_EQ(reason_name(call.reason), reason_name(reason));
    EXPECT_EQ(call.module, (Counters{{reason_name(reason), 1}}));
    EXPECT_EQ(call.outcome.result.calls, 1U);
    EXPECT_EQ(call.outcome.result.lookup_error, 0);
    EXPECT_EQ(call.outcome.result.opts.error, 0);
    EXPECT_EQ(call.outcome.result.opts.ifindex, 0U);
    EXPECT_EQ(call.outcome.result.opts.flags, 0U);
    EXPECT_EQ(call.outcome.result.opts.sa, 0U);
}

} // namespace

void expect_done(const Call &call, std::uint32_t reason)
{
    // Taken is done a little later, and has been waited for.
    if (call.verdict == XFRM_XDP_TAKEN)
        return;
    EXPECT_EQ(call.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(call.outcome.action, XDP_TX);
    expect_reason(call, reason);
    EXPECT_EQ(call.mib, Counters{});
    EXPECT_EQ(ntohl(call.outcome.result.opts.spi), test_spi);
    EXPECT_TRUE(call.outcome.metadata.empty());
}

void expect_punt(const Call &call, View frame, std::uint32_t reason)
{
    EXPECT_EQ(call.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(call.outcome.action, XDP_PASS);
    expect_reason(call, reason);
    EXPECT_EQ(call.mib, Counters{});
    EXPECT_EQ(hex(call.outcome.frame), hex(frame)) << "a punt changed the packet";
    EXPECT_EQ(hex(call.after.raw), hex(call.before.raw)) << "a punt changed the SA";
}

void expect_drop(const Call &call, std::uint32_t reason, const std::string &mib)
{
    EXPECT_EQ(call.verdict, XFRM_XDP_DROP);
    EXPECT_EQ(call.outcome.action, XDP_DROP);
    expect_reason(call, reason);
    EXPECT_EQ(call.mib, (Counters{{mib, 1}}));
}

} // namespace xfrm_xdp::test
