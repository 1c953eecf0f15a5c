// A HealthServer on its own thread, so that its answers do not wait for the daemon's work. It posts
// questions to the daemon's loop for what only the daemon knows.
//
// Threads: everything here runs on the server's thread, except construction, destruction and the
// questions, which run on the thread of the daemon's loop.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "agent/http/health_server.h"

namespace pellicle {

// How long the daemon's loop may be busy.
struct HealthPatience {
  std::chrono::milliseconds ready{1'000};  // then /readyz repeats its last answer
  std::chrono::seconds stuck{600};         // then /healthz answers 503; longer than any pass takes
};

class HealthThread {
 public:
  using Question = std::function<HealthServer::Answer()>;  // runs on the daemon's loop

  // Serves /healthz, /readyz (answered by `ready`) and /metrics (by `metrics`). `address` and
  // errors: as in HealthServer's constructor.
  HealthThread(boost::asio::io_context& daemon, const std::string& address, Question ready,
               Question metrics, const HealthPatience& patience = {});
  ~HealthThread();  // open requests get no answer
  HealthThread(const HealthThread&) = delete;
  HealthThread& operator=(const HealthThread&) = delete;
  uint16_t port() const { return server_.port(); }

 private:
  using Steady = std::chrono::steady_clock;
  using Take = std::function<void(const HealthServer::Answer&)>;
  void ask(const Question& question, Take take);
  HealthServer::Answer alive();
  void ready(const HealthServer::Reply& reply);
  void metrics(const HealthServer::Reply& reply);
  HealthServer::Paths paths();

  boost::asio::io_context& daemon_;
  Question ready_;
  Question metrics_;
  HealthPatience patience_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  uint64_t asked_ = 0;
  std::map<uint64_t, Take> open_;  // questions without an answer, by number
  std::optional<Steady::time_point> beat_asked_;
  HealthServer::Answer last_ready_{.status = 503, .text = "not ready: it starts\n"};
  std::shared_ptr<const bool> exists_ = std::make_shared<const bool>(true);
  HealthServer server_;
  std::thread thread_;
};

}  // namespace pellicle
