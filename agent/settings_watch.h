// When the agent checks the kernel's settings: the kernel announces only few of their changes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

namespace pellicle {

class SettingsWatch {
 public:
  using Time = std::chrono::milliseconds;
  // Rare enough to cost a node with hundreds of pods less than a thousandth of a processor.
  static constexpr Time kOften{8000};
  // Minimum time between checks after announcements: each new device announces its settings.
  static constexpr Time kApart{1000};

  SettingsWatch(boost::asio::io_context& context, std::function<void()> look, Time often = kOften,
                Time apart = kApart);

  void start();
  void announced();  // checks now, or `apart` after the last check if that is later

 private:
  void wait(std::chrono::steady_clock::time_point until);

  std::function<void()> look_;
  Time often_;
  Time apart_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace pellicle
