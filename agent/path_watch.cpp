#include "agent/path_watch.h"

#include "agent/kernel/os_error.h"
#include "agent/log.h"

namespace pellicle {

PathWatch::PathWatch(boost::asio::io_context& context, std::string bpf_root, Heard heard)
    : bpf_root_(std::move(bpf_root)),
      heard_(std::move(heard)),
      descriptor_(context),
      pause_(context) {}

PathWatch::~PathWatch() {
  close();
}

void PathWatch::close() {
  pause_.cancel();
  if (descriptor_.is_open()) descriptor_.release();  // `reports_` owns and closes the descriptor
  reports_.reset();
}

void PathWatch::renew() {
  try {
    if (reports_ && reports_->is_current()) return;
    close();
    reports_ = std::make_unique<PathReports>(bpf_root_);
    descriptor_.assign(reports_->fd());
    wait();
  } catch (const OsError& error) {  // no pass has pinned the ring yet
    log::debug("paths cannot be listened to", {{"error", error.what()}});
  }
}

void PathWatch::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (!error) read();
                         });
}

void PathWatch::read() {
  try {
    heard_(reports_->read());
  } catch (const std::exception& error) {
    log::warn("what routers say of paths cannot be read", {{"error", error.what()}});
  }
  pause_.expires_after(kApart);
  pause_.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait();
  });
}

}  // namespace pellicle
