// SPDX-License-Identifier: GPL-2.0-or-later
#include "module.hpp"

#include "files.hpp"

#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

namespace xfrm_xdp {

namespace {

std::string attribute(const std::string &name, const char *file)
{
    auto text = read_file(fmt::format("/sys/module/{}/{}", name, file));
    return text ? trimmed(*text) : std::string();
}

// modprobe's own words, less its name; one line.
std::string reason_of(const std::string &output)
{
    auto line = output.substr(0, output.find('\n'));
    for (const char *prefix : {"modprobe: ", "FATAL: ", "ERROR: "})
        if (line.starts_with(prefix))
            line.erase(0, std::string_view(prefix).size());
    return trimmed(line);
}

} // namespace

bool module_loaded(const std::string &name)
{
    return exists("/sys/module/" + name);
}

bool module_available(const std::string &name)
{
    auto ran = run_program({"modprobe", "-n", "-q", name});
    return ran && ran->status == 0;
}

std::string module_version(const std::string &name)
{
    auto version = attribute(name, "version");
    return version.empty() ? attribute(name, "srcversion") : version;
}

int module_users(const std::string &name)
{
    auto users = attribute(name, "refcnt");
    return users.empty() ? -1 : std::atoi(users.c_str());
}

Status load_module(const std::string &name)
{
    if (module_loaded(name))
        return Done{};
    if (::geteuid() != 0)
        return Error{fmt::format("the {} module is not loaded", name),
                     fmt::format("run as root, or have root run 'modprobe {}'", name), EPERM};

    auto ran = run_program({"modprobe", name});
    if (!ran)
        return Error{fmt::format("the {} module is not loaded and {}", name, ran.error().cause),
                     fmt::format("install kmod, or load {}.ko by hand", name), ran.error().code};
    if (ran->status != 0)
        return Error{
            fmt::format("the {} module cannot be loaded: {}", name, reason_of(ran->output)),
            module_available(name)
                ? "'dmesg' has the kernel's reason; build the module for the running kernel"
                : "build and install it for the running kernel with 'make install'"};
    return Done{};
}

} // namespace xfrm_xdp
