// A file that is old or new at every moment, also after a power cut.
#pragma once

#include <string>

namespace pellicle {

// A temporary file beside it (<path>.new), fsync, rename, fsync of the folder. Mode 0600 unless
// another is given. std::system_error whose words name the path; the old file stays then.
void replace_file(const std::string& path, const std::string& content, unsigned mode = 0600);

}  // namespace pellicle
