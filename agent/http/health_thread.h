// A HealthServer whose answers do not wait for the daemon's work: it has a thread of its own, and
// asks the daemon's loop for what only that knows.
//
// Threads: everything here is the server's thread's, but for construction, destruction and the
// questions, which belong to the thread of the daemon's loop.
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
  std::chrono::milliseconds ready{1'000};  // /readyz is answered as the last time after that
  std::chrono::seconds stuck{600};         // and /healthz with 503: longer than any pass takes
};

class HealthThread {
 public:
  using Question = std::function<HealthServer::Answer()>;  // put on the daemon's loop

  // /healthz, /readyz, which `ready` says, and /metrics. As HealthServer's constructor otherwise.
  HealthThread(boost::asio::io_context& daemon, const std::string& address, Question ready,
               Question metrics, const HealthPatience& patience = {});
  ~HealthThread();  // leaves what is being asked without an answer
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
  std::map<uint64_t, Take> open_;  // questions without an answer
  std::optional<Steady::time_point> beat_asked_;
  HealthServer::Answer last_ready_{.status = 503, .text = "not ready: it starts\n"};
  std::shared_ptr<const bool> exists_ = std::make_shared<const bool>(true);
  HealthServer server_;
  std::thread thread_;
};

}  // namespace pellicle
