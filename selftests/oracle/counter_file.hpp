// SPDX-License-Identifier: GPL-2.0-or-later
// Counters of another namespace, by a file that was opened there.
#pragma once

#include "counters.hpp"
#include "fd.hpp"
#include "result.hpp"

namespace xfrm_xdp::oracle {

class CounterFile {
public:
    static Result<CounterFile> open(const char *path);
    test::CounterText read() const;

private:
    explicit CounterFile(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace xfrm_xdp::oracle
