#include "tools/ctl/monitor.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>

#include "agent/kernel/datapath_events.h"
#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/os_error.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/monitor_text.h"

namespace pellicle::ctl {

namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kRenewal = 1s;  // much shorter than DatapathEvents::kLease

// A descriptor that is readable once a signal asks to end. From here on no signal ends the process,
// and a write to a closed pipe fails instead.
FileDescriptor ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) pellicle::fail(errno, "block signals");
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) pellicle::fail(errno, "ignore SIGPIPE");
  FileDescriptor made(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!made) pellicle::fail(errno, "wait for signals");
  return made;
}

// Width of the terminal; 0: not a terminal, so any width is fine.
size_t columns() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1) return 0;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

class Monitor {
 public:
  explicit Monitor(const MonitorOptions& options)
      : options_(options),
        stop_(ending_signals()),
        width_(columns()),
        events_(options.bpf_root, {.kinds = options.kinds, .one_in = options.one_in}) {}

  // Returns at the end, for any reason.
  void run() {
    std::cerr << "pellicle: listening; Ctrl-C ends it\n";
    const auto hear = [this](const DatapathEvent& event) { return show(event); };
    do {
      if (steady_clock::now() >= renewal_) renew();
    } while (wait() && events_.read(hear));
  }

  void summarise() const {
    std::cerr << "pellicle: " << shown_ << " events shown, " << events_.lost() << " lost\n";
  }

 private:
  void renew() {
    using std::chrono::milliseconds;
    renewal_ = steady_clock::now() + kRenewal;
    const auto away = std::chrono::duration_cast<milliseconds>(events_.renew());
    if (away > 0ms)
      std::cerr << "pellicle: not listening for " << away.count()
                << " ms: what events are written to was not read\n";
    const uint64_t lost = events_.lost();
    if (lost > lost_)
      std::cerr << "pellicle: " << lost - lost_
                << " events lost: they come faster than they are shown (see --type, --sample)\n";
    lost_ = lost;
  }

  // Waits for events, at most until the next renewal. Returns false to end.
  bool wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(renewal_ - steady_clock::now());
    return ready({.fd = events_.fd(), .events = POLLIN, .revents = 0},
                 {.fd = STDOUT_FILENO, .events = 0, .revents = 0}, std::max(left, 0ms));
  }

  bool ready(pollfd source, pollfd output, std::chrono::milliseconds limit) {
    std::array<pollfd, 3> all = {pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}, output,
                                 source};
    if (poll(all.data(), all.size(), static_cast<int>(limit.count())) < 0 && errno != EINTR)
      pellicle::fail(errno, "wait for events");
    return all[0].revents == 0 && (all[1].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
  }

  bool show(const DatapathEvent& event) {
    if (!options_.filter.takes(event)) return true;
    if (!write_line(options_.json ? monitor_json(event) : monitor_text(event, width_)))
      return false;
    ++shown_;
    return !options_.count || shown_ < *options_.count;
  }

  // Writes the whole line at once. Returns false when the reader is gone, or a signal arrives while
  // the pipe is full.
  bool write_line(std::string line) {
    line += '\n';
    for (size_t done = 0; done < line.size();) {
      // A pipe that poll(2) reports writable takes PIPE_BUF bytes without blocking.
      if (!ready({.fd = -1, .events = 0, .revents = 0},
                 {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0}, -1ms))
        return false;
      const ssize_t written = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
      if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
      done += written > 0 ? static_cast<size_t>(written) : 0;
    }
    return true;
  }

  const MonitorOptions& options_;
  FileDescriptor stop_;
  size_t width_;
  DatapathEvents events_;
  steady_clock::time_point renewal_ = steady_clock::now() + kRenewal;
  uint64_t shown_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace

int monitor(const MonitorOptions& options) {
  Monitor running(options);
  running.run();
  running.summarise();
  return kOk;
}

}  // namespace pellicle::ctl
