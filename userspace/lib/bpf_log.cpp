// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf.hpp"

#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

constexpr std::size_t verifier_lines = 30;

bool verbose_log;
std::string warnings;

// The verifier's last lines say what it refused; the thousands before them do not.
std::string_view last_lines(std::string_view text, std::size_t lines)
{
    auto at = text.size();

    while (at > 0 && (text[at - 1] == '\n'))
        at--;
    while (at > 0 && lines > 0) {
        auto newline = text.rfind('\n', at - 1);
        if (newline == text.npos)
            return text;
        at = newline;
        lines--;
    }
    return text.substr(at == 0 ? 0 : at + 1);
}

std::string formatted(const char *format, std::va_list arguments)
{
    std::va_list again;
    va_copy(again, arguments);
    int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length < 0)
        return {};

    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    std::vsnprintf(text.data(), text.size(), format, arguments);
    text.pop_back();
    return text;
}

int on_message(enum libbpf_print_level level, const char *format, std::va_list arguments)
{
    if (level == LIBBPF_DEBUG || (level == LIBBPF_INFO && !verbose_log))
        return 0;

    auto text = formatted(format, arguments);
    if (level == LIBBPF_WARN)
        warnings += text;
    if (verbose_log)
        fmt::print(stderr, "{}", last_lines(text, verifier_lines));
    return 0;
}

// What stands between @before and the next quote in @text.
std::string quoted_after(const std::string &text, const std::string &before)
{
    auto at = text.find(before);
    if (at == text.npos)
        return {};
    at += before.size();
    return text.substr(at, text.find('\'', at) - at);
}

} // namespace

void set_bpf_verbose(bool verbose)
{
    verbose_log = verbose;
    warnings.clear();
    ::libbpf_set_print(on_message);
}

std::string last_bpf_warning()
{
    return warnings;
}

Error load_error(int code, const std::string &text)
{
    auto missing = quoted_after(text, "extern (func ksym) '");
    if (!missing.empty())
        return {fmt::format("the kernel offers no kfunc '{}' of this form", missing),
                "load the xfrm_xdp module of the same version, built with BTF", code};
    if (text.find("failed to find valid kernel BTF") != text.npos)
        return {"the kernel has no BTF (/sys/kernel/btf/vmlinux)",
                "use a kernel with CONFIG_DEBUG_INFO_BTF=y", code};
    if (code == EPERM)
        return {"loading BPF programs was not permitted",
                "run as root, outside a container without CAP_BPF and CAP_NET_ADMIN", code};
    if (text.find("BEGIN PROG LOAD LOG") != text.npos)
        return {
            fmt::format("the kernel's verifier refused program '{}'", quoted_after(text, "prog '")),
            "use module and tool of one version; -v shows the verifier's last lines", code};
    return errno_error(code, "the BPF programs cannot be loaded",
                       "'xfrm-xdp doctor' checks what they need; -v shows libbpf's messages");
}

} // namespace xfrm_xdp
