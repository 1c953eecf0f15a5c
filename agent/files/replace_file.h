// Replaces a file atomically: at every moment, even after a power cut, it has its old or its new
// content.
#pragma once

#include <string>

namespace pellicle {

// Writes a temporary file beside it (<path>.new), then fsync, rename, fsync of the folder. On
// failure throws std::system_error that names the path, and keeps the old file.
void replace_file(const std::string& path, const std::string& content, unsigned mode = 0600);

}  // namespace pellicle
