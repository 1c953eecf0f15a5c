// Stores large content that changes in small steps: the whole content in one file, and the changes
// since then in a second file, one line each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pellicle {

// At every moment the two files hold the content before or after a change, even if the process dies
// during it. Appended lines are not synced to survive a power cut: what these files describe does
// not survive one either. The first line of <path>.more names the whole that its lines change, so
// lines that a newer whole already includes are not applied to it again.
class Journal {
 public:
  explicit Journal(std::string path) : path_(std::move(path)) {}

  struct Contents {
    std::optional<std::string> whole;  // nullopt: there is no file
    std::vector<std::string> lines;    // oldest first, without line ends
  };
  Contents read();  // throws std::system_error that names the file

  // Appends all `lines` or none; each ends in '\n'. There must be a whole. Throws
  // std::system_error.
  void append(const std::string& lines);
  void replace(const std::string& whole);  // errors as in replace_file()
  void remove();                           // removes both files; a missing file is no error
  // Renames the whole to `path` and deletes the lines. Throws std::system_error.
  void set_aside(const std::string& path);

  bool written() const { return digest_ != 0; }  // there is a whole, so append() may be called
  size_t appended() const { return appended_; }  // bytes in <path>.more since the last replace()

 private:
  std::string more() const { return path_ + ".more"; }

  std::string path_;
  uint64_t digest_ = 0;  // of the whole; 0: there is none
  size_t appended_ = 0;  // bytes of .more that are complete lines for this whole
};

}  // namespace pellicle
