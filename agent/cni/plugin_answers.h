// The VERSION answers of the chained plugins. A thread of its own runs each binary once, so a
// plugin that is slow or hangs does not block the agent's loop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "agent/cni/plugin_answer.h"

namespace pellicle {

class PluginAnswers {
 public:
  using Ask = std::function<PluginAnswer(const std::string& path, const std::stop_token& stop)>;
  // A plugin that did not answer is asked again after so long.
  static constexpr std::chrono::seconds kAgain{60};

  // `ask` is called on a thread without capabilities; so is `answered`, when nothing is left to be
  // asked.
  PluginAnswers(Ask ask, std::function<void()> answered)
      : ask_(std::move(ask)), answered_(std::move(answered)) {}
  ~PluginAnswers();  // ends the question that is being asked
  PluginAnswers(const PluginAnswers&) = delete;
  PluginAnswers& operator=(const PluginAnswers&) = delete;

  // The answer of the binary at `path`; nullopt until its first answer. Inode, size and time of the
  // last change identify a binary: a replaced one is run again.
  std::optional<PluginAnswer> of(const std::string& path);

 private:
  struct Binary {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    time_t changed = 0;
    long changed_ns = 0;
    bool operator==(const Binary&) const = default;
  };
  struct Known {
    Binary binary;
    std::optional<PluginAnswer> answer = {};
    std::chrono::steady_clock::time_point at = {};
    bool wanted = true;  // to be asked, or being asked
  };
  static Binary binary_at(const std::string& path);
  void begin();
  void work(const std::stop_token& stopped);
  std::optional<std::string> next();
  void note(const std::string& path, const Binary& binary, PluginAnswer answer);

  Ask ask_;
  std::function<void()> answered_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path
  bool working_ = false;
  std::jthread thread_;
};

}  // namespace pellicle
