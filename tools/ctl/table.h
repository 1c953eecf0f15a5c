// Rows of words in columns that are as wide as they need to be.
#pragma once

#include <string>
#include <vector>

namespace pellicle::ctl {

using Row = std::vector<std::string>;

// Two blanks between columns, none at the end of a line. The first row is the heading; all have as
// many words.
std::string table(const std::vector<Row>& rows);

}  // namespace pellicle::ctl
