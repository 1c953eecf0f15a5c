#include "agent/cni/plugin_answers.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>

#include "agent/kernel/capabilities.h"

namespace pellicle {

PluginAnswers::~PluginAnswers() {
  thread_.request_stop();
}

// Where there is none it is asked all the same, and the answer says so.
PluginAnswers::Binary PluginAnswers::binary_at(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .changed = info.st_mtim.tv_sec,
          .changed_ns = info.st_mtim.tv_nsec};
}

std::optional<PluginAnswer> PluginAnswers::of(const std::string& path) {
  const auto binary = binary_at(path);
  const std::scoped_lock lock(mutex_);
  auto& known = known_.try_emplace(path, Known{.binary = binary}).first->second;
  if (known.binary != binary) known = {.binary = binary};
  const bool silent = known.answer && !known.answer->trouble.empty();
  if (silent && std::chrono::steady_clock::now() - known.at >= kAgain) known.wanted = true;
  if (known.wanted) begin();
  return known.answer;
}

void PluginAnswers::begin() {
  if (working_) return;
  // The assignment joins the previous thread, which has ended.
  thread_ = std::jthread([this](const std::stop_token& stopped) { work(stopped); });
  working_ = true;
}

void PluginAnswers::work(const std::stop_token& stopped) {
  std::string trouble;
  try {
    give_up_capabilities();  // they need none, and the thread does nothing else
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  while (!stopped.stop_requested()) {
    const auto path = next();
    if (!path) return answered_();
    const auto binary = binary_at(*path);
    note(*path, binary, trouble.empty() ? ask_(*path, stopped) : PluginAnswer{.trouble = trouble});
  }
}

std::optional<std::string> PluginAnswers::next() {
  const std::scoped_lock lock(mutex_);
  const auto wanted = std::find_if(known_.begin(), known_.end(),
                                   [](const auto& each) { return each.second.wanted; });
  if (wanted != known_.end()) return wanted->first;
  working_ = false;
  return std::nullopt;
}

void PluginAnswers::note(const std::string& path, const Binary& binary, PluginAnswer answer) {
  const std::scoped_lock lock(mutex_);
  known_[path] = {.binary = binary,
                  .answer = std::move(answer),
                  .at = std::chrono::steady_clock::now(),
                  .wanted = false};
}

}  // namespace pellicle
