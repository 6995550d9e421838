// SPDX-License-Identifier: GPL-2.0-or-later
#include "pins.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <linux/netfilter_ipv4.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace xfrm_xdp {

namespace {

constexpr const char *bpffs_path = "/sys/fs/bpf";
constexpr long bpffs_magic = 0xcafe4a11;

std::vector<std::string> names_in(const std::string &path)
{
    std::vector<std::string> names;
    std::error_code failed;

    for (fs::directory_iterator entry(path, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed))
        names.push_back(entry->path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

// What arrives is noted before any rule; what leaves, and what is for this host, is
// learned after all of them. The very first and last places are not for BPF.
constexpr int first = NF_IP_PRI_FIRST + 1, last = NF_IP_PRI_LAST - 1;
const std::array<NetfilterHook, 6> netfilter_hooks{{
    {"link-nf4-pre", NFPROTO_IPV4, NF_INET_PRE_ROUTING, first},
    {"link-nf6-pre", NFPROTO_IPV6, NF_INET_PRE_ROUTING, first},
    {"link-nf4-post", NFPROTO_IPV4, NF_INET_POST_ROUTING, last},
    {"link-nf6-post", NFPROTO_IPV6, NF_INET_POST_ROUTING, last},
    {"link-nf4-in", NFPROTO_IPV4, NF_INET_LOCAL_IN, last},
    // Conntrack of IPv6 confirms at the last place but one, which only one can have.
    {"link-nf6-in", NFPROTO_IPV6, NF_INET_LOCAL_IN, last - 1},
}};

std::vector<std::string> namespace_pins()
{
    std::vector<std::string> names{pin_flows,      pin_options,       pin_program_xdp,
                                   pin_program_tc, pin_program_learn, pin_program_counts};
    for (const auto &hook : netfilter_hooks)
        names.push_back(hook.pin);
    return names;
}

std::string pin_name(std::string_view kind, std::string_view device)
{
    auto name = fmt::format("{}-{}", kind, device);
    std::replace(name.begin(), name.end(), '.', ':');
    return name;
}

std::string device_of_pin(std::string_view kind, std::string_view name)
{
    if (!name.starts_with(kind) || name.substr(kind.size(), 1) != "-")
        return {};
    std::string device(name.substr(kind.size() + 1));
    std::replace(device.begin(), device.end(), ':', '.');
    return device;
}

PinDirectory::PinDirectory(std::string root, NetnsId netns)
    : root_(std::move(root)), path_(fmt::format("{}/{}", root_, netns))
{
}

std::string PinDirectory::file(std::string_view name) const
{
    return fmt::format("{}/{}", path_, name);
}

bool PinDirectory::exists() const
{
    std::error_code failed;
    return fs::is_directory(path_, failed);
}

std::vector<std::string> PinDirectory::list() const
{
    return names_in(path_);
}

Status PinDirectory::create() const
{
    if (::mkdir(path_.c_str(), 0700) < 0)
        return errno_error(errno, fmt::format("cannot make {}", path_), "run as root");
    return Done{};
}

Status PinDirectory::remove(std::string_view name) const
{
    if (::unlink(file(name).c_str()) < 0 && errno != ENOENT)
        return errno_error(errno, fmt::format("cannot remove {}", file(name)), "run as root");
    return Done{};
}

Status PinDirectory::remove_directory() const
{
    if (::rmdir(path_.c_str()) < 0 && errno != ENOENT)
        return errno_error(errno, fmt::format("cannot remove {}", path_),
                           "look for foreign files in it");
    return Done{};
}

std::string pin_root()
{
    return fmt::format("{}/xfrm-xdp", bpffs_path);
}

Status check_bpffs()
{
    struct statfs info;

    if (::statfs(bpffs_path, &info) == 0 && info.f_type == bpffs_magic)
        return Done{};
    return Error{fmt::format("no BPF file system is mounted at {}", bpffs_path),
                 "inside 'ip netns exec', leave it and use 'xfrm-xdp --netns NAME' instead; "
                 "elsewhere 'mount -t bpf bpf /sys/fs/bpf'"};
}

std::vector<NetnsId> pinned_netns()
{
    std::vector<NetnsId> found;

    for (const auto &name : names_in(pin_root())) {
        NetnsId id = 0;
        auto [stop, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
        if (failed == std::errc{} && stop == name.data() + name.size())
            found.push_back(id);
    }
    return found;
}

Result<PinLock> PinLock::take()
{
    auto root = pin_root();

    // Again where the directory was removed between opening and locking it.
    for (int tries = 0; tries < 100; tries++) {
        if (::mkdir(root.c_str(), 0700) < 0 && errno != EEXIST)
            return errno_error(errno, fmt::format("cannot make {}", root), "run as root");
        Fd directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory && errno == ENOENT)
            continue;
        if (!directory || ::flock(directory.get(), LOCK_EX) < 0)
            return errno_error(errno, fmt::format("cannot lock {}", root), "run as root");

        struct stat ours, theirs;
        if (::fstat(directory.get(), &ours) == 0 && ::stat(root.c_str(), &theirs) == 0 &&
            ours.st_ino == theirs.st_ino)
            return PinLock(std::move(directory));
    }
    return Error{fmt::format("cannot lock {}: it keeps vanishing", root), "try again"};
}

PinLock::~PinLock()
{
    if (directory_)
        (void)!::rmdir(pin_root().c_str()); // fails, rightly, where it is not empty
}

} // namespace xfrm_xdp
