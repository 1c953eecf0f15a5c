#include "tests/soak/ledger.h"

#include <cstdio>

namespace pellicle::soak {

using namespace std::chrono_literals;

namespace {

// The longest a packet may be in flight in a busy guest.
constexpr auto kUnderWay = 200ms;
// How long after a window an agent may still log about it: it retries, and logs the result.
constexpr auto kSaid = 2s;
constexpr auto kSecond = 1s;  // an agent's log has no fractions of a second
// A fault of every packet must not fill the disk.
constexpr size_t kMostFindings = 100;

}  // namespace

void Ledger::open(const std::string& node, const std::string& why, Time now) {
  const std::lock_guard lock(mutex_);
  windows_.push_back({.node = node, .why = why, .from = now, .to = {}});
}

void Ledger::close(Time now) {
  const std::lock_guard lock(mutex_);
  for (Window& window : windows_) {
    if (!window.to) window.to = now;
  }
}

std::optional<std::string> Ledger::explanation(const std::string& from, const std::string& to,
                                               Time sent) const {
  const std::lock_guard lock(mutex_);
  for (const Window& window : windows_) {
    if (window.node != from && window.node != to) continue;
    if (sent < window.from - kUnderWay || (window.to && sent > *window.to)) continue;
    return window.why;
  }
  return std::nullopt;
}

std::optional<std::string> Ledger::explanation(const std::string& node, Time said) const {
  const std::lock_guard lock(mutex_);
  for (const Window& window : windows_) {
    if (window.node != node || said < window.from - kSecond) continue;
    if (!window.to || said <= *window.to + kSaid) return window.why;
  }
  return std::nullopt;
}

void Ledger::doing(const std::string& what) {
  const std::lock_guard lock(mutex_);
  doing_ = what;
}

void Ledger::found(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  if (findings_.size() > kMostFindings) return;
  findings_.push_back(findings_.size() == kMostFindings ? "and more that is not written down"
                                                        : sentence);
  std::printf("WRONG  %.1f s, %s: %s\n", seconds(std::chrono::steady_clock::now()), doing_.c_str(),
              findings_.back().c_str());
  std::fflush(stdout);
}

std::vector<std::string> Ledger::findings() const {
  const std::lock_guard lock(mutex_);
  return findings_;
}

double Ledger::seconds(Time at) const {
  return std::chrono::duration<double>(at - begin_).count();
}

}  // namespace pellicle::soak
