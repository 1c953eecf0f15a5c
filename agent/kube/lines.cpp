#include "agent/kube/lines.h"

namespace pellicle {

bool LineSplitter::feed(std::string_view piece) {
  pending_.erase(0, scanned_);
  scanned_ = 0;
  pending_ += piece;
  const auto last_end = piece.rfind('\n');
  open_ = last_end == std::string::npos ? open_ + piece.size() : piece.size() - last_end - 1;
  return open_ <= limit_;
}

std::optional<std::string> LineSplitter::next() {
  while (pending_.size() - scanned_ > open_) {
    const auto end = pending_.find('\n', scanned_);
    std::string line = pending_.substr(scanned_, end - scanned_);
    scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

}  // namespace pellicle
