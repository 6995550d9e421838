// SPDX-License-Identifier: GPL-2.0-or-later
// RAII over libbpf: an object being loaded, and what is known of programs and links in the kernel.
#pragma once

#include "fd.hpp"
#include "result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct bpf_object;
struct bpf_program;
struct bpf_map;
struct bpf_link;

namespace xfrm_xdp {

// Constants of the kernel's BPF interface that C libraries' headers may not have yet.
namespace abi {
inline constexpr unsigned link_type_xdp = 6;
inline constexpr unsigned link_type_netfilter = 10;
inline constexpr unsigned link_type_tcx = 11;
inline constexpr unsigned attach_tcx_ingress = 46;
inline constexpr unsigned mprog_before = 1U << 3;
} // namespace abi

struct LinkDeleter {
    void operator()(bpf_link *link) const;
};
using LinkPtr = std::unique_ptr<bpf_link, LinkDeleter>; // detaches unless it is pinned

// Its map of options, which are constants to the programs.
inline constexpr const char *options_map = ".rodata.learn";

class BpfObject {
public:
    // Opens and loads, with XFRM_XDP_LEARN_* and a flow map of that many entries. Nothing of
    // it is pinned yet.
    static Result<BpfObject> load(std::span<const std::byte> image, std::uint32_t learn_flags,
                                  std::uint32_t flow_entries);

    Result<bpf_program *> program(const char *name) const;
    Result<bpf_map *> map(const char *name) const;

private:
    struct Deleter {
        void operator()(bpf_object *object) const;
    };
    explicit BpfObject(bpf_object *object) : object_(object) {}
    std::unique_ptr<bpf_object, Deleter> object_;
};

struct ProgramInfo {
    std::uint32_t id = 0;
    std::string name;
};

// "'name' (id 7)"
std::string describe(const ProgramInfo &program);

struct LinkInfo {
    std::uint32_t type = 0;
    std::uint32_t program_id = 0;
    std::uint32_t ifindex = 0; // of XDP and tcx links; 0: the device is gone
};

struct MapInfo {
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t max_entries = 0;
};

Result<Fd> open_pin(const std::string &path);
Result<LinkInfo> link_info(const Fd &link);
Result<MapInfo> map_info(const Fd &map);
Result<std::uint32_t> read_options(const Fd &map); // XFRM_XDP_LEARN_*
Result<ProgramInfo> program_info(const Fd &program);
ProgramInfo program_by_id(std::uint32_t id); // name "?" where it cannot be read

// libbpf's messages: kept back unless verbose, but looked through for the cause of a failure.
void set_bpf_verbose(bool verbose);
std::string last_bpf_warning();

// What a failed load means in one sentence, from errno and libbpf's messages.
Error load_error(int code, const std::string &warnings);

} // namespace xfrm_xdp
