// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace xfrm_xdp {

std::vector<std::size_t> Table::widths() const
{
    auto width = least_;

    width.resize(columns_.size());
    for (const auto &row : rows_)
        for (std::size_t i = 0; i < row.size(); i++)
            width[i] = std::max(width[i], row[i].size());
    return width;
}

std::string Table::lines(const std::vector<std::size_t> &width) const
{
    std::string out;

    for (const auto &row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); i++) {
            if (i > 0)
                line += "  ";
            if (columns_[i] == Align::right)
                line += fmt::format("{:>{}}", row[i], width[i]);
            else
                line += fmt::format("{:<{}}", row[i], width[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

std::string Table::render() const
{
    return lines(widths());
}

std::string Table::flush()
{
    least_ = widths();
    auto out = lines(least_);
    rows_.clear();
    return out;
}

} // namespace xfrm_xdp
