// SPDX-License-Identifier: GPL-2.0-or-later
// Where things are pinned in bpffs: one directory per network namespace.
#pragma once

#include "fd.hpp"
#include "netns.hpp"
#include "result.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace xfrm_xdp {

// A learner's place in netfilter.
struct NetfilterHook {
    const char *pin;
    unsigned family; // NFPROTO_*
    unsigned hook;   // NF_INET_*
    int priority;    // of all hooks there
};

extern const std::array<NetfilterHook, 6> netfilter_hooks;

inline constexpr const char *pin_flows = "flows";
inline constexpr const char *pin_options = "options";
inline constexpr const char *pin_program_xdp = "prog-xdp";
inline constexpr const char *pin_program_tc = "prog-tc";
inline constexpr const char *pin_program_learn = "prog-learn";
inline constexpr const char *pin_program_counts = "prog-counts";

// What is pinned once per device: its links, and what it was before.
inline constexpr const char *pin_kind_xdp = "xdp";
inline constexpr const char *pin_kind_tc = "tc";
inline constexpr const char *pin_kind_before = "before";

// What is pinned once per namespace, devices aside.
std::vector<std::string> namespace_pins();

// bpffs takes no dots in names, device names take no colons.
std::string pin_name(std::string_view kind, std::string_view device);    // "xdp-eth0:100"
std::string device_of_pin(std::string_view kind, std::string_view name); // empty: of another kind

class PinDirectory {
public:
    PinDirectory(std::string root, NetnsId netns);

    const std::string &path() const { return path_; }
    std::string file(std::string_view name) const;
    bool exists() const;
    std::vector<std::string> list() const; // names in it, sorted
    Status create() const;
    Status remove(std::string_view name) const; // what is not there counts as removed
    Status remove_directory() const;

private:
    std::string root_;
    std::string path_;
};

// The directory of all namespaces.
std::string pin_root();
Status check_bpffs(); // at /sys/fs/bpf
std::vector<NetnsId> pinned_netns();

// One attach or detach at a time: a lock on the root directory, made where it is missing.
class PinLock {
public:
    static Result<PinLock> take();
    PinLock(PinLock &&) = default;
    PinLock &operator=(PinLock &&) = delete;
    ~PinLock(); // the root is removed where nothing is left in it

private:
    explicit PinLock(Fd directory) : directory_(std::move(directory)) {}
    Fd directory_;
};

} // namespace xfrm_xdp
