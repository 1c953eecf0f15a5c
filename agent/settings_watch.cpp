#include "agent/settings_watch.h"

#include <algorithm>

namespace pellicle {

SettingsWatch::SettingsWatch(boost::asio::io_context& context, std::function<void()> look,
                             Time often, Time apart)
    : look_(std::move(look)), often_(often), apart_(apart), timer_(context) {}

void SettingsWatch::start() {
  wait(std::chrono::steady_clock::now() + often_);
}

void SettingsWatch::announced() {
  const auto next = std::max(std::chrono::steady_clock::now(), looked_ + apart_);
  if (next < timer_.expiry()) wait(next);
}

void SettingsWatch::wait(std::chrono::steady_clock::time_point until) {
  timer_.expires_at(until);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (stopped) return;
    looked_ = std::chrono::steady_clock::now();
    wait(looked_ + often_);
    look_();
  });
}

}  // namespace pellicle
