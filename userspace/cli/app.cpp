// SPDX-License-Identifier: GPL-2.0-or-later
#include "app.hpp"

#include "bpf.hpp"
#include "netns.hpp"
#include "pins.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fmt/format.h>
#include <optional>
#include <ostream>
#include <unistd.h>

namespace xfrm_xdp {

namespace {

// "cause" -> "Cause."
std::string sentence(std::string text)
{
    if (text.empty())
        return text;
    // A name in quotes, or one of a device, stays as it is.
    if (!text.ends_with('.') && !text.ends_with('?') && !text.ends_with('!'))
        text += '.';
    return text;
}

std::string capitalised(std::string text)
{
    if (!text.empty())
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

Result<Output> run_command(const Options &options, Image object)
{
    switch (options.command) {
    case Command::attach:
        return run_attach(options, object);
    case Command::detach:
        return run_detach(options);
    case Command::status:
        return run_status(options);
    case Command::flows:
        return run_flows(options);
    case Command::stats:
        return run_stats(options);
    case Command::doctor:
        return run_doctor(options);
    }
    return Error{"no such command", "'xfrm-xdp --help' lists the commands"};
}

bool wants_json(const std::vector<std::string> &arguments)
{
    return std::any_of(arguments.begin(), arguments.end(), [](const std::string &argument) {
        return argument == "-j" || argument == "--json";
    });
}

// Names of devices are bytes: what is no UTF-8 in them is replaced.
std::string text_of(const nlohmann::ordered_json &json)
{
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

int report(const Error &error, int status, bool json, std::ostream &out, std::ostream &err)
{
    if (json)
        out << text_of(error_json(error));
    else
        err << render_error(error);
    return status;
}

int run_here(const Options &options, Image object, std::ostream &out, std::ostream &err)
{
    auto output = run_command(options, object);
    if (!output)
        return report(output.error(), status_failed, options.json, out, err);
    if (output->print) {
        // What was printed cannot be taken back: an error now is said aside.
        if (auto printed = output->print(out); !printed)
            return report(printed.error(), status_failed, false, out, err);
    } else if (options.json) {
        out << text_of(output->json);
    } else {
        out << output->text;
    }
    return output->status;
}

// To the last line that is printed: the module tells about flows of the caller's namespace only.
int run_in_namespace(const Options &options, Image object, std::ostream &out, std::ostream &err)
{
    if (options.netns.empty())
        return run_here(options, object, out, err);
    auto netns = open_netns(options.netns);
    if (!netns)
        return report(netns.error(), status_failed, options.json, out, err);
    auto scope = NetnsScope::enter(*netns);
    if (!scope)
        return report(scope.error(), status_failed, options.json, out, err);
    return run_here(options, object, out, err);
}

} // namespace

std::string render_error(const Error &error)
{
    auto text = fmt::format("xfrm-xdp: {}\n", sentence(error.cause));
    if (!error.remedy.empty())
        text += fmt::format("{}\n", sentence(capitalised(error.remedy)));
    return text;
}

nlohmann::ordered_json error_json(const Error &error)
{
    return {{"error", error.cause}, {"remedy", error.remedy}};
}

Status check_rights()
{
    if (::geteuid() != 0)
        return Error{"this needs root", "run it with sudo, or as root", EPERM};
    return check_bpffs();
}

int report_failure(const std::string &cause, const std::vector<std::string> &arguments,
                   std::ostream &out, std::ostream &err)
{
    return report({cause, ""}, status_failed, wants_json(arguments), out, err);
}

int run(const std::vector<std::string> &arguments, Image object, std::ostream &out,
        std::ostream &err)
{
    auto parsed = parse_options(arguments);
    if (auto *leave = std::get_if<Leave>(&parsed)) {
        if (leave->status == 0) {
            out << leave->text;
            return 0;
        }
        return report({leave->text, "'xfrm-xdp --help' shows the usage"}, leave->status,
                      wants_json(arguments), out, err);
    }

    const auto &options = std::get<Options>(parsed);
    set_bpf_verbose(options.verbose);
    return run_in_namespace(options, object, out, err);
}

} // namespace xfrm_xdp
