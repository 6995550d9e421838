// SPDX-License-Identifier: GPL-2.0-or-later
#include "flows.hpp"

#include "bpf.hpp"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

constexpr std::size_t first_batch = 1024;

} // namespace

Status visit_flows(const Fd &map, const FlowVisitor &visit)
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
        for (std::size_t i = 0; i < count; i++)
            if (!visit({keys[i], values[i]}))
                return Done{};
        if (code == -ENOENT) // that was the last
            return Done{};
        from = next;
        begun = true;
    }
}

} // namespace xfrm_xdp
