// SPDX-License-Identifier: GPL-2.0-or-later
#include "counters.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "fd.hpp"

namespace xfrm_xdp::test {
namespace {

Result<CounterText> read_text(const char *path)
{
    const Fd file(open(path, O_RDONLY | O_CLOEXEC));
    if (!file)
        return errno_error(errno, path, "load the module xfrm_xdp");
    CounterText text;
    char buffer[8192];
    for (;;) {
        const ssize_t size = read(file.get(), buffer, sizeof(buffer));
        if (size < 0)
            return errno_error(errno, path);
        if (size == 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(size));
    }
}

std::string_view next_line(std::string_view &text)
{
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view name_in(std::string_view line)
{
    return line.substr(0, line.find_first_of(" \t"));
}

// The file is a text of lines, so that what follows the number ends it.
std::int64_t value_in(std::string_view line)
{
    const std::size_t at = line.find_last_of(" \t");
    return at == std::string_view::npos ? 0 : std::strtoll(line.data() + at, nullptr, 10);
}

} // namespace

Result<CounterText> read_kernel_mib()
{
    return read_text("/proc/net/xfrm_stat");
}

Result<CounterText> read_module_counters()
{
    return read_text("/proc/net/xfrm_xdp_stat");
}

Counters difference(const CounterText &before, const CounterText &after)
{
    Counters changed;
    std::string_view old_text = before, new_text = after;
    while (!new_text.empty()) {
        const std::string_view line = next_line(new_text), old = next_line(old_text);
        if (line == old)
            continue;
        // The kernel prints the same names in the same order every time.
        const std::int64_t delta = value_in(line) - value_in(old);
        if (delta)
            changed[std::string(name_in(line))] = delta;
    }
    return changed;
}

Counters packet_difference(const CounterText &before, const CounterText &after)
{
    Counters changed = difference(before, after);
    changed.erase(reason_name(XFRM_XDP_R_RECLAIMED));
    return changed;
}

std::string reason_name(std::uint32_t reason)
{
    static const char *const names[] = {
#define XFRM_XDP_TEST_NAME(id, name, text) name,
        XFRM_XDP_REASONS(XFRM_XDP_TEST_NAME)
#undef XFRM_XDP_TEST_NAME
    };
    return reason < std::size(names) ? names[reason] : "reason " + std::to_string(reason);
}

} // namespace xfrm_xdp::test
