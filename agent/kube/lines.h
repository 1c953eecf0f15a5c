// Splits a stream of bytes that arrives in arbitrary pieces into lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

class LineSplitter {
 public:
  explicit LineSplitter(size_t limit) : limit_(limit) {}  // bytes per line

  // Takes the next piece. Returns false when a line exceeds the limit; the splitter is unusable
  // then.
  bool feed(std::string_view piece);

  // The next complete line, without its end and never empty; nullopt until feed() completes one.
  std::optional<std::string> next();

  // True when the stream so far ends inside a line.
  bool half_line() const { return scanned_ < pending_.size(); }

 private:
  size_t limit_;
  std::string pending_;
  size_t scanned_ = 0;  // where the current line starts
  size_t open_ = 0;     // bytes behind the last line's end: they are not searched again
};

}  // namespace pellicle
