#include "agent/http/health_thread.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pellicle {

HealthThread::HealthThread(boost::asio::io_context& daemon, const std::string& address,
                           Question ready, Question metrics, const HealthPatience& patience)
    : daemon_(daemon),
      ready_(std::move(ready)),
      metrics_(std::move(metrics)),
      patience_(patience),
      work_(io_.get_executor()),
      server_(io_, address, paths()),
      thread_([this] { io_.run(); }) {
  pthread_setname_np(thread_.native_handle(), "health");
}

HealthThread::~HealthThread() {
  io_.stop();
  thread_.join();
}

HealthServer::Paths HealthThread::paths() {
  return {{"/healthz", [this] { return alive(); }},
          {"/readyz", HealthServer::Source::later(
                          [this](const HealthServer::Reply& reply) { this->ready(reply); })},
          {"/metrics", HealthServer::Source::later(
                           [this](const HealthServer::Reply& reply) { this->metrics(reply); })}};
}

// `take` and what it holds never reach the daemon's thread: a connection must not be destroyed
// there. When the daemon's loop runs the question, `this` may be gone; only that thread destroys
// it, so checking `exists` first is safe.
void HealthThread::ask(const Question& question, Take take) {
  const auto number = ++asked_;
  open_[number] = std::move(take);
  boost::asio::post(daemon_, [this, number, question, exists = std::weak_ptr<const bool>(exists_)] {
    if (exists.expired()) return;
    HealthServer::Answer answer;
    try {
      answer = question();
    } catch (const std::exception& error) {  // fails this request only, not the daemon
      answer = {.status = 500, .text = std::string(error.what()) + "\n"};
    }
    boost::asio::post(io_, [this, number, answer = std::move(answer)] {
      const auto open = open_.extract(number);
      if (!open.empty()) open.mapped()(answer);
    });
  });
}

HealthServer::Answer HealthThread::alive() {
  const auto now = Steady::now();
  if (!beat_asked_) {
    beat_asked_ = now;
    ask([] { return HealthServer::Answer{}; },
        [this](const HealthServer::Answer&) { beat_asked_.reset(); });
  } else if (now - *beat_asked_ > patience_.stuck) {
    return {.status = 503,
            .text = "the daemon's loop has not turned for " +
                    std::to_string(patience_.stuck.count()) + " seconds\n"};
  }
  return {.text = "ok\n"};
}

void HealthThread::ready(const HealthServer::Reply& reply) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, patience_.ready);
  timer->async_wait([this, timer, reply](boost::system::error_code cancelled) {
    if (!cancelled) reply(last_ready_);
  });
  ask(ready_, [this, timer, reply](const HealthServer::Answer& answer) {
    last_ready_ = answer;
    timer->cancel();
    reply(answer);
  });
}

void HealthThread::metrics(const HealthServer::Reply& reply) {
  ask(metrics_, reply);
}

}  // namespace pellicle
