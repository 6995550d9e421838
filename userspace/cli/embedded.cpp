// SPDX-License-Identifier: GPL-2.0-or-later
// The one file that needs the BPF object to be built.
#include "embedded.hpp"

#include <xfrm_xdp.skel.h>

std::span<const std::byte> embedded_object()
{
    std::size_t size = 0;
    const void *bytes = xfrm_xdp__elf_bytes(&size);
    return {static_cast<const std::byte *>(bytes), size};
}
