// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <fmt/format.h>

namespace xfrm_xdp {

void LinkDeleter::operator()(bpf_link *link) const
{
    ::bpf_link__destroy(link);
}

void BpfObject::Deleter::operator()(bpf_object *object) const
{
    ::bpf_object__close(object);
}

Result<BpfObject> BpfObject::load(std::span<const std::byte> image, std::uint32_t learn_flags,
                                  std::uint32_t flow_entries)
{
    LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "xfrm_xdp");

    BpfObject object(::bpf_object__open_mem(image.data(), image.size(), &opts));
    if (!object.object_)
        return errno_error(errno, "the BPF object in this program cannot be opened",
                           "reinstall xfrm-xdp");

    // Pinning is ours, per network namespace, whatever the object asks for.
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, object.object_.get())::bpf_map__set_pin_path(map, nullptr);

    auto options = object.map(options_map);
    if (!options)
        return options.error();
    if (int code = ::bpf_map__set_initial_value(*options, &learn_flags, sizeof(learn_flags)))
        return errno_error(-code, "the options of the BPF programs cannot be set",
                           "reinstall xfrm-xdp");
    auto flows = object.map("flows");
    if (!flows)
        return flows.error();
    ::bpf_map__set_max_entries(*flows, flow_entries);

    if (int code = ::bpf_object__load(object.object_.get()))
        return load_error(-code, last_bpf_warning());
    return object;
}

Result<bpf_program *> BpfObject::program(const char *name) const
{
    if (auto *found = ::bpf_object__find_program_by_name(object_.get(), name))
        return found;
    return Error{fmt::format("the BPF object has no program '{}'", name), "reinstall xfrm-xdp"};
}

Result<bpf_map *> BpfObject::map(const char *name) const
{
    if (auto *found = ::bpf_object__find_map_by_name(object_.get(), name))
        return found;
    return Error{fmt::format("the BPF object has no map '{}'", name), "reinstall xfrm-xdp"};
}

std::string describe(const ProgramInfo &program)
{
    return fmt::format("'{}' (id {})", program.name, program.id);
}

Result<Fd> open_pin(const std::string &path)
{
    Fd fd(::bpf_obj_get(path.c_str()));
    const int code = errno;
    if (fd)
        return fd;
    return errno_error(code, fmt::format("cannot open the pinned {}", path),
                       code == EPERM || code == EACCES ? "run as root" : "");
}

Result<LinkInfo> link_info(const Fd &link)
{
    bpf_link_info raw{};
    __u32 length = sizeof(raw);

    if (::bpf_link_get_info_by_fd(link.get(), &raw, &length) < 0)
        return errno_error(errno, "cannot read about a BPF link");

    LinkInfo info{raw.type, raw.prog_id, 0};
    // The tcx part begins with the ifindex, as the XDP part does.
    if (info.type == abi::link_type_xdp || info.type == abi::link_type_tcx)
        info.ifindex = raw.xdp.ifindex;
    return info;
}

Result<MapInfo> map_info(const Fd &map)
{
    bpf_map_info raw{};
    __u32 length = sizeof(raw);

    if (::bpf_map_get_info_by_fd(map.get(), &raw, &length) < 0)
        return errno_error(errno, "cannot read about a BPF map");
    return MapInfo{raw.key_size, raw.value_size, raw.max_entries};
}

Result<std::uint32_t> read_options(const Fd &map)
{
    const std::uint32_t key = 0;
    std::uint32_t flags = 0;

    if (::bpf_map_lookup_elem(map.get(), &key, &flags) < 0)
        return errno_error(errno, "cannot read the options of what is attached");
    return flags;
}

Result<ProgramInfo> program_info(const Fd &program)
{
    bpf_prog_info raw{};
    __u32 length = sizeof(raw);

    if (::bpf_prog_get_info_by_fd(program.get(), &raw, &length) < 0)
        return errno_error(errno, "cannot read about a BPF program");
    return ProgramInfo{raw.id, raw.name};
}

ProgramInfo program_by_id(std::uint32_t id)
{
    Fd fd(::bpf_prog_get_fd_by_id(id));
    if (fd)
        if (auto info = program_info(fd))
            return *info;
    return {id, "?"};
}

} // namespace xfrm_xdp
