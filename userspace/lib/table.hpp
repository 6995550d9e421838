// SPDX-License-Identifier: GPL-2.0-or-later
// Text in aligned columns.
#pragma once

#include <cstddef>
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
    // Two blanks between columns, none at a line's end.
    std::string render() const;
    // The same, and the rows are forgotten; columns never get narrower again.
    std::string flush();

private:
    std::string lines(const std::vector<std::size_t> &width) const;
    std::vector<std::size_t> widths() const;
    std::vector<Align> columns_;
    std::vector<std::size_t> least_; // widths of the rows before
    std::vector<std::vector<std::string>> rows_;
};

} // namespace xfrm_xdp
