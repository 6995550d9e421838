// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.hpp"

#include "shared_part.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <linux/types.h>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

namespace {

constexpr const char *about = "IPsec in XDP: attach the fast path to devices, and look at it.";

constexpr const char *examples = R"(Examples:
  xfrm-xdp doctor                          is this machine ready?
  xfrm-xdp attach lan0 wan0                forward between these in XDP
  xfrm-xdp status                          what is attached
  xfrm-xdp flows                           which flows the fast path knows
  xfrm-xdp stats                           what it did, and why not more
  xfrm-xdp detach                          take everything off again
  xfrm-xdp --netns gw1 attach lan0 wan0    the same in a network namespace

Exit status: 0 done; 1 failed, or a check of doctor failed; 2 wrong usage.)";

struct CommandLine {
    Options options;
    CLI::App app{about, "xfrm-xdp"};

    CommandLine()
    {
        app.fallthrough(); // global options may follow the command
        app.require_subcommand(1);
        app.footer(examples);
        app.set_version_flag("--version", "xfrm-xdp " XFRM_XDP_VERSION);
        app.add_option("-n,--netns", options.netns,
                       "Network namespace: a name of 'ip netns', or a path")
            ->type_name("NAME");
        app.add_flag("-j,--json", options.json, "Print JSON");
        app.add_flag("-v,--verbose", options.verbose, "Show libbpf's and the verifier's messages");
        add_attach();
        add_detach();
        add("status", Command::status, "Show what is attached, and whether it can work")
            ->footer("Without --netns, of every network namespace in which something is attached.");
        add_flows();
        add("stats", Command::stats, "Show the counters and what they mean")
            ->add_flag("-a,--all", options.all, "Zero counters, too");
        add_devices(add("doctor", Command::doctor, "Check what the fast path needs"))
            ->description(
                "Devices to check (default: the attached ones, else those that may have XDP)");
    }

    CLI::App *add(const std::string &name, Command command, const std::string &text)
    {
        auto *added = app.add_subcommand(name, text);
        added->callback([this, command] { options.command = command; });
        return added;
    }

    CLI::Option *add_devices(CLI::App *command)
    {
        return command->add_option("DEV", options.devices, "Devices")->type_name("");
    }

    void add_attach()
    {
        auto *attach = add("attach", Command::attach, "Attach devices: all of them, or none");
        add_devices(attach)->required();
        attach
            ->add_option_function<std::string>(
                "-m,--mode",
                [this](const std::string &mode) {
                    options.attach.mode = mode == "generic" ? XdpMode::generic : XdpMode::native;
                },
                "native: in the driver (default); generic: on any device, slower")
            ->type_name("native|generic")
            ->check(CLI::IsMember({"native", "generic"}).description(""));
        attach->add_flag("--plain", options.attach.learning.plain,
                         "Flows that are neither encrypted nor decrypted, too");
        attach
            ->add_option("--flows", options.attach.learning.flows,
                         fmt::format("How many flows to have room for (default {}; the first "
                                     "attach in a namespace says it)",
                                     default_flows))
            ->type_name("N")
            ->check(CLI::Range(1U, XFRM_XDP_FLOWS_MAX).description(""));
        attach->footer("Example: xfrm-xdp attach lan0 wan0");
    }

    // An option whose text @parse turns into @value, or says what is wrong with it.
    template <class Parse, class Value>
    void add_parsed(CLI::App *command, const char *name, const char *type, const char *text,
                    Parse parse, Value &value)
    {
        command
            ->add_option_function<std::string>(
                name,
                [name, parse, &value](const std::string &argument) {
                    auto parsed = parse(argument);
                    if (!parsed)
                        throw CLI::ValidationError(name, parsed.error().cause + ": " +
                                                             parsed.error().remedy);
                    value = *parsed;
                },
                text)
            ->type_name(type);
    }

    void add_flows()
    {
        auto *flows = add("flows", Command::flows, "List the flows that the fast path knows");
        auto &filter = options.filter;

        add_parsed(flows, "--sa", "SPI", "Of this SA, in or out", parse_spi, filter.spi);
        flows->add_option("--dev", options.flow_device, "That come in or leave by this device")
            ->type_name("DEV");
        add_parsed(flows, "--src", "ADDR[/LEN]", "From there", parse_prefix, filter.source);
        add_parsed(flows, "--dst", "ADDR[/LEN]", "To there", parse_prefix, filter.destination);
        add_parsed(flows, "--proto", "PROTO", "tcp, udp, icmp, icmpv6, esp, or a number",
                   parse_protocol, filter.protocol);
        flows
            ->add_option_function<std::string>(
                "--kind", [&filter](const std::string &kind) { filter.is_sa = kind == "sa"; },
                "forward: packets that are forwarded; sa: ESP to decrypt")
            ->type_name("forward|sa")
            ->check(CLI::IsMember({"forward", "sa"}).description(""));
        auto *count = flows->add_flag("-c,--count", options.count, "Say how many, not which");
        flows->add_option("--limit", options.limit, "No more than so many")
            ->type_name("N")
            ->check(CLI::PositiveNumber.description(""))
            ->excludes(count);
        flows->footer("Up to 4096 flows are sorted, the busiest first.\n"
                      "Example: xfrm-xdp flows --src 10.1.0.0/16 --proto tcp");
    }

    void add_detach()
    {
        auto *detach = add("detach", Command::detach, "Detach devices");
        auto *devices = add_devices(detach);
        devices->description("Devices (default: all of the namespace)");
        detach
            ->add_flag("--orphaned", options.orphaned,
                       "What is left of namespaces that were deleted while attached")
            ->excludes(devices);
        detach->footer("Examples: xfrm-xdp detach wan0\n"
                       "          xfrm-xdp detach\n"
                       "          xfrm-xdp detach --orphaned");
    }
};

} // namespace

std::variant<Options, Leave> parse_options(const std::vector<std::string> &arguments)
{
    CommandLine line;
    auto reversed = arguments; // as CLI11 takes them
    std::reverse(reversed.begin(), reversed.end());

    try {
        line.app.parse(reversed);
    } catch (const CLI::CallForHelp &) {
        return Leave{0, line.app.help()};
    } catch (const CLI::CallForAllHelp &) {
        return Leave{0, line.app.help("", CLI::AppFormatMode::All)};
    } catch (const CLI::CallForVersion &) {
        return Leave{0, "xfrm-xdp " XFRM_XDP_VERSION "\n"};
    } catch (const CLI::RequiredError &error) {
        // That a command is missing is not what somebody who mistyped it has to know.
        const auto unknown = line.app.remaining();
        if (!unknown.empty())
            return Leave{status_usage, fmt::format("there is no command '{}'", unknown.front())};
        return Leave{status_usage, error.what()};
    } catch (const CLI::ParseError &error) {
        return Leave{status_usage, error.what()};
    }
    return line.options;
}

} // namespace xfrm_xdp
