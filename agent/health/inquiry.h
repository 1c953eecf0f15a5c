// Asks every node in turn whether it can be reached.
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
  // `wanted` is how often a node is asked in a small cluster; 0: nobody is. `on_change` is called
  // when a path's answer is another than before and not what is expected of the first one, and when
  // one that is not good comes a second time.
  HealthInquiry(boost::asio::io_context& io, std::chrono::seconds wanted, uint64_t seed,
                std::function<void(const HealthPath&, const HealthResult&)> on_change);

  // What is to be asked from now on. A path that stays keeps what is known of it.
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
