#include "agent/kube/lines.h"

namespace pellicle {

bool LineSplitter::feed(std::string_view piece) {
  pending_.erase(0, scanned_);
  scanned_ = 0;
  pending_ += piece;
  const auto last_end = pending_.rfind('\n');
  const auto open =
      last_end == std::string::npos ? pending_.size() : pending_.size() - last_end - 1;
  return open <= limit_;
}

std::optional<std::string> LineSplitter::next() {
  while (true) {
    const auto end = pending_.find('\n', scanned_);
    if (end == std::string::npos) return std::nullopt;
    std::string line = pending_.substr(scanned_, end - scanned_);
    scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return line;
  }
}

}  // namespace pellicle
