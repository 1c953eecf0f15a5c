// A file for what is large and changes a little at a time: the whole of it, and beside it what
// changed since, a line a change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pellicle {

// At every moment the two say what they said before or after a change, also when the process dies
// in the middle of it; what is appended is not made to survive a power cut (these files are about
// things that do not). <path>.more begins with a line that names the whole it belongs to, so that
// lines which a newer whole has already are never taken for changes of it.
class Journal {
 public:
  explicit Journal(std::string path) : path_(std::move(path)) {}

  struct Contents {
    std::optional<std::string> whole;  // none: there is no file
    std::vector<std::string> lines;    // oldest first, without line ends
  };
  Contents read();  // throws std::system_error whose words name the file

  // Lines that each end in '\n'; all of them or none. There must be a whole. Throws
  // std::system_error.
  void append(const std::string& lines);
  void replace(const std::string& whole);  // as replace_file
  void remove();                           // both; absent ones too
  // Renames the whole and forgets the lines. Throws std::system_error.
  void set_aside(const std::string& path);

  bool written() const { return digest_ != 0; }  // there is a whole that lines may be added to
  size_t appended() const { return appended_; }  // bytes since the whole was written

 private:
  std::string more() const { return path_ + ".more"; }

  std::string path_;
  uint64_t digest_ = 0;  // of the whole; 0: none is known
  size_t appended_ = 0;  // size of .more, as far as it is whole lines of this whole
};

}  // namespace pellicle
