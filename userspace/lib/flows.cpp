// SPDX-License-Identifier: GPL-2.0-or-later
#include "flows.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <netinet/in.h>

namespace xfrm_xdp {

namespace {

std::string address(const __be32 (&from)[4], int family)
{
    std::array<char, INET6_ADDRSTRLEN> text{};

    if (!::inet_ntop(family, from, text.data(), text.size()))
        return "?";
    return text.data();
}

std::string protocol_name(unsigned protocol)
{
    switch (protocol) {
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_ESP:
        return "esp";
    case IPPROTO_ICMPV6:
        return "icmpv6";
    case IPPROTO_SCTP:
        return "sctp";
    }
    return fmt::format("proto-{}", protocol);
}

bool is_icmp(unsigned protocol)
{
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

bool has_ports(unsigned protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
}

std::string with_port(const std::string &host, int family, unsigned port)
{
    return family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

std::string spi_text(std::uint32_t spi)
{
    return fmt::format("0x{:08x}", spi);
}

// What ESP does to the flow's packets here.
std::string esp_text(const Flow &flow)
{
    if (flow.is_sa)
        return "decrypt " + spi_text(flow.in_spi);
    if (flow.in_spi && flow.out_spi)
        return fmt::format("from {}, encrypt {}", spi_text(flow.in_spi), spi_text(flow.out_spi));
    if (flow.in_spi)
        return "from " + spi_text(flow.in_spi);
    if (flow.out_spi)
        return "encrypt " + spi_text(flow.out_spi);
    return "none";
}

std::string age_text(double seconds)
{
    if (seconds < 60)
        return fmt::format("{:.1f} s", seconds);
    auto minutes = static_cast<std::uint64_t>(seconds) / 60;
    if (minutes < 60)
        return fmt::format("{} min {} s", minutes, static_cast<std::uint64_t>(seconds) % 60);
    return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

} // namespace

Flow describe_flow(const FlowEntry &entry, std::uint64_t now_ns, const DeviceName &device)
{
    const auto &[key, value] = entry;
    Flow flow;

    flow.is_sa = value.kind == XFRM_XDP_FLOW_SA;
    flow.family = key.family == AF_INET6 ? "ipv6" : "ipv4";
    flow.protocol = protocol_name(key.proto);
    flow.source = address(key.saddr, key.family);
    flow.destination = address(key.daddr, key.family);
    if (key.proto == IPPROTO_ESP && key.encap) {
        // The ports of UDP around ESP, source first.
        flow.protocol = "esp-in-udp";
        flow.source =
            with_port(flow.source, key.family, static_cast<std::uint16_t>(ntohl(key.encap) >> 16));
        flow.destination = with_port(flow.destination, key.family,
                                     static_cast<std::uint16_t>(ntohl(key.encap) & 0xffff));
    } else if (has_ports(key.proto)) {
        flow.source = with_port(flow.source, key.family, ntohs(key.sport));
        flow.destination = with_port(flow.destination, key.family, ntohs(key.dport));
    } else if (is_icmp(key.proto)) {
        unsigned type = ntohs(key.dport) >> 8;
        unsigned code = ntohs(key.dport) & 0xff;
        flow.detail = fmt::format("type {} code {} id {}", type, code, ntohs(key.sport));
    }
    flow.in_device = device(key.ifindex);
    flow.out_device = value.out_ifindex ? device(value.out_ifindex) : "";
    flow.vlan = key.vlan;
    flow.in_spi = ntohl(flow.is_sa ? key.spi : value.in_spi);
    flow.out_spi = ntohl(value.out_spi);
    flow.packets = value.packets;
    flow.bytes = value.bytes;
    if (now_ns > value.learned_ns)
        flow.age_seconds = static_cast<double>(now_ns - value.learned_ns) / 1e9;
    return flow;
}

std::uint64_t monotonic_ns()
{
    timespec now{};

    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

FlowPrinter::FlowPrinter()
    : table_({Align::left, Align::left, Align::left, Align::left, Align::left, Align::left,
              Align::right, Align::right, Align::right})
{
}

std::string FlowPrinter::flush()
{
    if (!begun_)
        table_.row(
            {"PROTO", "SOURCE", "DESTINATION", "IN", "OUT", "ESP", "PACKETS", "BYTES", "AGE"});
    begun_ = true;
    for (const auto &flow : flows_) {
        auto in = flow.vlan ? fmt::format("{} vlan {}", flow.in_device, flow.vlan) : flow.in_device;
        auto protocol =
            flow.detail.empty() ? flow.protocol : fmt::format("{} {}", flow.protocol, flow.detail);
        table_.row({protocol, flow.source, flow.destination, in,
                    flow.out_device.empty() ? "-" : flow.out_device, esp_text(flow),
                    fmt::to_string(flow.packets), fmt::to_string(flow.bytes),
                    age_text(flow.age_seconds)});
    }
    flows_.clear();
    return table_.flush();
}

std::string FlowPrinter::add(Flow flow)
{
    flows_.push_back(std::move(flow));
    return flows_.size() < kept ? std::string() : flush();
}

std::string FlowPrinter::finish()
{
    if (begun_)
        return flush();
    if (flows_.empty())
        return "No flows are known: nothing was forwarded or decrypted lately.\n";
    std::stable_sort(flows_.begin(), flows_.end(),
                     [](const Flow &a, const Flow &b) { return a.packets > b.packets; });
    return flush();
}

std::string render_flows(const std::vector<Flow> &flows)
{
    FlowPrinter printer;
    std::string out;

    for (const auto &flow : flows)
        out += printer.add(flow);
    return out + printer.finish();
}

} // namespace xfrm_xdp
