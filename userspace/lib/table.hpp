// SPDX-License-Identifier: GPL-2.0-or-later
// Text in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace xfrm_xdp {

enum class Align { left, right };

class Table {
public:
    explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns.
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }
    std::string render() const; // two blanks between columns, none at a line's end

private:
    std::vector<Align> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace xfrm_xdp
