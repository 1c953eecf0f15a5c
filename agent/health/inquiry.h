// Asks every other node at regular intervals, to find out whether this node reaches it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "agent/health/question.h"

namespace pellicle {

class HealthInquiry {
 public:
  // `wanted` is the interval of questions to one node in a small cluster; 0 disables them.
  // `on_change` is called when a path's answer changes, except when its first answer is good, and
  // when the same answer other than good comes the second time in a row.
  HealthInquiry(boost::asio::io_context& io, std::chrono::seconds wanted, uint64_t seed,
                std::function<void(const HealthPath&, const HealthResult&)> on_change);

  // Replaces the set of paths to ask. A path that stays keeps its result.
  void set_paths(const std::vector<HealthPath>& paths);

  const ClusterHealth& health() const { return health_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Turn {
    Clock::time_point due;
    std::map<HealthPath, std::shared_ptr<HealthQuestion>> questions;
  };
  void ask_who_is_due();
  void ask(const std::string& name, Turn& turn);
  void heard(const HealthPath& path, HealthResult result);
  void wait();
  std::chrono::milliseconds within(std::chrono::milliseconds from, std::chrono::milliseconds to);

  boost::asio::io_context& io_;
  std::chrono::seconds wanted_;
  std::mt19937_64 random_;
  std::function<void(const HealthPath&, const HealthResult&)> on_change_;
  boost::asio::steady_timer timer_;
  ClusterHealth health_;
  std::map<std::string, Turn> turns_;
};

}  // namespace pellicle
