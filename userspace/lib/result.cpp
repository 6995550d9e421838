// SPDX-License-Identifier: GPL-2.0-or-later
#include "result.hpp"

#include <cstring>
#include <fmt/format.h>

namespace xfrm_xdp {

Error errno_error(int code, std::string cause, std::string remedy)
{
    if (code < 0)
        code = -code;
    return {fmt::format("{}: {}", cause, std::strerror(code)), std::move(remedy), code};
}

} // namespace xfrm_xdp
