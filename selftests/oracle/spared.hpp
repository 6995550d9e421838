// SPDX-License-Identifier: GPL-2.0-or-later
// While memory is short (run_all.sh --faults): what is set up for tests has all it wants
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

namespace xfrm_xdp::oracle {

// Allocations do not fail while one of these lives, as in the function spared of
// selftests/lib/faults.sh. Without XFRM_XDP_FAULTS, the percentage that fails, it does nothing.
class Spared {
public:
    Spared() { set("0"); }
    ~Spared() { set(percent_); }
    Spared(const Spared &) = delete;
    Spared &operator=(const Spared &) = delete;

private:
    void set(const char *percent) const
    {
        if (percent_)
            for (const char *what : {"failslab", "fail_page_alloc"})
                std::ofstream(std::string("/sys/kernel/debug/") + what + "/probability") << percent;
    }
    const char *percent_ = std::getenv("XFRM_XDP_FAULTS");
};

} // namespace xfrm_xdp::oracle
