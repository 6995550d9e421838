// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <set>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace xfrm_xdp {

namespace {

constexpr const char *names_directory = "/run/netns";

std::string link_target(const fs::path &path)
{
    std::error_code failed;
    auto target = fs::read_symlink(path, failed);
    return failed ? std::string() : target.string();
}

// A directory that vanishes while it is read simply ends.
template <class Visit>
void each_entry(const fs::path &directory, Visit visit)
{
    std::error_code failed;
    fs::directory_iterator entry(directory, failed);
    while (!failed && entry != fs::directory_iterator()) {
        visit(entry->path());
        entry.increment(failed);
    }
}

using Places = std::map<NetnsId, NetnsPlace>;

void add_place(Places &places, NetnsId id, std::string name, const fs::path &path)
{
    if (id)
        places.try_emplace(id, NetnsPlace{std::move(name), path.string()});
}

void add_mounts(Places &places, const fs::path &process)
{
    std::ifstream mounts(process / "mountinfo");
    std::string line;

    // "... MAJOR:MINOR net:[INODE] /where ..."; seen from that process's root.
    while (std::getline(mounts, line)) {
        auto at = line.find(" net:[");
        if (at == line.npos)
            continue;
        auto where = line.find(' ', at + 1);
        auto end = where == line.npos ? where : line.find(' ', where + 1);
        if (end == line.npos)
            continue;
        add_place(places, parse_netns_link(line.substr(at + 1, where - at - 1)), "",
                  process.string() + "/root" + line.substr(where + 1, end - where - 1));
    }
}

void add_process(Places &places, std::set<std::string> &mounts_seen, const fs::path &process)
{
    each_entry(process / "task", [&](const fs::path &task) {
        add_place(places, parse_netns_link(link_target(task / "ns/net")), "", task / "ns/net");
    });
    each_entry(process / "fd", [&](const fs::path &fd) {
        add_place(places, parse_netns_link(link_target(fd)), "", fd);
    });
    if (mounts_seen.insert(link_target(process / "ns/mnt")).second)
        add_mounts(places, process);
}

} // namespace

NetnsId parse_netns_link(const std::string &text)
{
    NetnsId id = 0;

    if (text.rfind("net:[", 0) != 0)
        return 0;
    auto [stop, failed] = std::from_chars(text.data() + 5, text.data() + text.size(), id);
    if (failed != std::errc{} || stop == text.data() + text.size() || *stop != ']')
        return 0;
    return id;
}

Result<NetnsId> current_netns()
{
    struct stat info;

    if (::stat("/proc/thread-self/ns/net", &info) < 0)
        return errno_error(errno, "cannot tell the current network namespace", "mount /proc");
    return static_cast<NetnsId>(info.st_ino);
}

Result<Fd> open_netns(const std::string &name_or_path)
{
    bool is_path = name_or_path.find('/') != std::string::npos;
    auto path = is_path ? name_or_path : fmt::format("{}/{}", names_directory, name_or_path);

    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd)
        return fd;
    if (errno == ENOENT)
        return Error{fmt::format("there is no network namespace '{}'", name_or_path),
                     is_path ? "check the path" : "'ip netns list' shows those that have names",
                     ENOENT};
    return errno_error(errno, fmt::format("cannot open network namespace '{}'", name_or_path),
                       "run as root");
}

Result<NetnsScope> NetnsScope::enter(const Fd &netns)
{
    Fd former(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!former)
        return errno_error(errno, "cannot open the current network namespace");
    if (::setns(netns.get(), CLONE_NEWNET) < 0)
        return errno == EPERM
                   ? Error{"entering a network namespace needs root", "run as root", EPERM}
                   : errno_error(errno, "cannot enter the network namespace",
                                 "name one of 'ip netns list'");
    return NetnsScope(std::move(former));
}

NetnsScope::~NetnsScope()
{
    // Cannot fail: it was ours, and entering the other took the same right.
    if (former_)
        (void)!::setns(former_.get(), CLONE_NEWNET);
}

Result<Places> find_netns()
{
    Places places;
    std::set<std::string> mounts_seen;

    each_entry(names_directory, [&](const fs::path &path) {
        struct stat info;
        if (::stat(path.c_str(), &info) == 0)
            add_place(places, static_cast<NetnsId>(info.st_ino), path.filename(), path);
    });
    each_entry("/proc", [&](const fs::path &path) {
        if (path.filename().string().find_first_not_of("0123456789") == std::string::npos)
            add_process(places, mounts_seen, path);
    });
    if (places.empty())
        return Error{"no network namespace can be seen below /proc", "mount /proc"};
    return places;
}

} // namespace xfrm_xdp
