// SPDX-License-Identifier: GPL-2.0-or-later
#include "flows.hpp"

#include "bpf.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <memory>
#include <span>

namespace xfrm_xdp {

namespace {

constexpr std::size_t first_batch = 1024;

// Entries that were read at once; may change them. Returns whether it wants more.
using BatchVisitor = std::function<Result<bool>(std::span<const xfrm_xdp_flow_key> keys,
                                                std::span<xfrm_xdp_flow_val> values)>;

Status visit_batches(const Fd &map, const BatchVisitor &visit)
{
    auto info = map_info(map);
    if (!info)
        return info.error();
    if (info->key_size != sizeof(xfrm_xdp_flow_key) ||
        info->value_size != sizeof(xfrm_xdp_flow_val))
        return Error{"the flow map was made by another version of this tool",
                     "detach all devices and attach them again"};

    // In batches: bucket by bucket, so that entries coming and going meanwhile cannot make
    // the walk start again, as they can with one key at a time. Every kernel that this runs on
    // has batches. A batch at a time is all that is kept of a million.
    std::vector<xfrm_xdp_flow_key> keys(first_batch);
    std::vector<xfrm_xdp_flow_val> values(first_batch);
    std::uint32_t from = 0, next = 0; // of a hash map: a bucket's number
    bool begun = false;

    for (;;) {
        __u32 count = static_cast<__u32>(keys.size());
        int code = ::bpf_map_lookup_batch(map.get(), begun ? &from : nullptr, &next, keys.data(),
                                          values.data(), &count, nullptr);
        if (code == -ENOSPC) { // a bucket has more entries than the batch
            keys.resize(keys.size() * 2);
            values.resize(keys.size());
            continue;
        }
        if (code && code != -ENOENT)
            return errno_error(code, "cannot read the flow map",
                               code == -EPERM ? "run as root" : "");
        auto more = visit(std::span(keys).first(count), std::span(values).first(count));
        if (!more)
            return more.error();
        if (!*more || code == -ENOENT) // that was the last
            return Done{};
        from = next;
        begun = true;
    }
}

// From the kernel, for the map has what was when a flow was renewed. Those that the kernel has
// forgotten get a handle of 0.
Status refresh(const Fd &program, std::span<xfrm_xdp_flow_val> values, bpf_xfrm_flow_counts &counts)
{
    counts.nr = static_cast<__u32>(values.size());
    for (std::size_t i = 0; i < values.size(); i++)
        counts.flow[i].handle = values[i].handle;
    LIBBPF_OPTS(bpf_test_run_opts, run);
    run.ctx_in = &counts;
    run.ctx_size_in = sizeof(counts);
    int code = ::bpf_prog_test_run_opts(program.get(), &run);
    if (code || counts.error)
        return errno_error(code ? code : counts.error, "cannot ask the module about flows",
                           code == -EPERM ? "run as root" : "");
    for (std::size_t i = 0; i < values.size(); i++) {
        values[i].handle = counts.flow[i].handle;
        values[i].packets = counts.flow[i].packets;
        values[i].bytes = counts.flow[i].bytes;
    }
    return Done{};
}

} // namespace

Status visit_entries(const Fd &map, const FlowVisitor &visit)
{
    return visit_batches(map, [&](auto keys, auto values) -> Result<bool> {
        for (std::size_t i = 0; i < keys.size(); i++)
            if (!visit({keys[i], values[i]}))
                return false;
        return true;
    });
}

Status visit_flows(const Fd &map, const Fd &program, const FlowVisitor &visit)
{
    auto counts = std::make_unique<bpf_xfrm_flow_counts>();

    return visit_batches(map, [&](auto keys, auto values) -> Result<bool> {
        for (std::size_t begin = 0; begin < keys.size(); begin += XFRM_XDP_COUNTS_MAX) {
            const std::size_t count =
                std::min<std::size_t>(keys.size() - begin, XFRM_XDP_COUNTS_MAX);
            if (auto status = refresh(program, values.subspan(begin, count), *counts); !status)
                return status.error();
            for (std::size_t i = begin; i < begin + count; i++)
                if (values[i].handle && !visit({keys[i], values[i]}))
                    return false;
        }
        return true;
    });
}

} // namespace xfrm_xdp
