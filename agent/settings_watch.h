// When the kernel's settings are looked at: it announces few of them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

namespace pellicle {

class SettingsWatch {
 public:
  using Time = std::chrono::milliseconds;
  // Seldom enough to cost a node with hundreds of pods less than a thousandth of a processor.
  static constexpr Time kOften{8000};
  // Between two looks that announcements ask for: devices that come announce their settings.
  static constexpr Time kApart{1000};

  SettingsWatch(boost::asio::io_context& context, std::function<void()> look, Time often = kOften,
                Time apart = kApart);

  void start();
  void announced();  // looks at once, unless it has just done so: then as soon as it may again

 private:
  void wait(std::chrono::steady_clock::time_point until);

  std::function<void()> look_;
  Time often_;
  Time apart_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace pellicle
