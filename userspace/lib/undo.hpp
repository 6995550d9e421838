// SPDX-License-Identifier: GPL-2.0-or-later
// All or nothing: steps that take back what was done, unless it was all done.
#pragma once

#include <functional>
#include <vector>

namespace xfrm_xdp {

class Undo {
public:
    Undo() = default;
    Undo(const Undo &) = delete;
    Undo &operator=(const Undo &) = delete;
    ~Undo()
    {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step)
            (*step)();
    }

    void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
    void commit() { steps_.clear(); }

private:
    std::vector<std::function<void()>> steps_;
};

} // namespace xfrm_xdp
