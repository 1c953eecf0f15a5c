// Rows of words in columns of minimal width.
#pragma once

#include <string>
#include <vector>

namespace pellicle::ctl {

using Row = std::vector<std::string>;

// Separates columns by two blanks, without trailing blanks. The first row is the heading; all rows
// have the same number of words.
std::string table(const std::vector<Row>& rows);

}  // namespace pellicle::ctl
