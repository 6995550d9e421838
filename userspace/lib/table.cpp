// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace xfrm_xdp {

std::string Table::render() const
{
    std::vector<std::size_t> width(columns_.size(), 0);
    std::string out;

    for (const auto &row : rows_)
        for (std::size_t i = 0; i < row.size(); i++)
            width[i] = std::max(width[i], row[i].size());

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

} // namespace xfrm_xdp
