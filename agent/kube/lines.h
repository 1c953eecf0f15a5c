// Cuts a stream of bytes that arrives in arbitrary pieces into lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

class LineSplitter {
 public:
  explicit LineSplitter(size_t limit) : limit_(limit) {}  // bytes a line may have

  // Takes the next piece. False when a line outgrew the limit; nothing is to be expected then.
  bool feed(std::string_view piece);

  // The next complete line, without its end and never empty; no value until more was fed.
  std::optional<std::string> next();

  // True when the stream, if it ended here, would end in the middle of a line.
  bool half_line() const { return scanned_ < pending_.size(); }

 private:
  size_t limit_;
  std::string pending_;
  size_t scanned_ = 0;  // where the current line starts
};

}  // namespace pellicle
