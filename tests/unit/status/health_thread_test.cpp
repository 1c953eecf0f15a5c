#include "agent/http/health_thread.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using Catch::Matchers::Contains;

namespace {

// A daemon with a loop that runs only on demand.
struct Daemon {
  explicit Daemon(const HealthPatience& patience = {.ready = 50ms, .stuck = 600s})
      : health(
            loop, "127.0.0.1:0", [this] { return ready; },
            [] { return HealthServer::Answer{.text = "metrics\n"}; }, patience) {}

  std::string ask(const std::string& path) const {
    boost::asio::io_context io;
    tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), health.port()});
    boost::asio::write(socket, boost::asio::buffer("GET " + path + " HTTP/1.0\r\n\r\n"));
    std::string answer;
    boost::system::error_code ended;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), ended);
    return answer;
  }
  std::future<std::string> asking(const std::string& path) const {
    return std::async(std::launch::async, [this, path] { return ask(path); });
  }
  std::string asked_while_turning(const std::string& path) {
    auto answer = asking(path);
    while (answer.wait_for(0s) != std::future_status::ready) loop.run_one_for(10ms);
    return answer.get();
  }
  // On a slow machine the loop may appear busy although it runs: ask again.
  bool comes_to_say(const std::string& path, const std::string& words) {
    for (int i = 0; i < 100; ++i) {
      if (asked_while_turning(path).find(words) != std::string::npos) return true;
    }
    return false;
  }

  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      loop.get_executor()};  // a daemon's loop always has pending work
  HealthServer::Answer ready{.text = "ok\n"};
  HealthThread health;
};

}  // namespace

TEST_CASE("health thread: a loop that is busy is alive, and as ready as it was") {
  Daemon daemon;
  CHECK_THAT(daemon.ask("/healthz"), Contains("200 OK") && Contains("ok\n"));
  CHECK_THAT(daemon.ask("/healthz"), Contains("200 OK"));
  CHECK_THAT(daemon.ask("/readyz"), Contains("503") && Contains("it starts"));
  CHECK(daemon.comes_to_say("/readyz", "200 OK"));
  daemon.ready = {.status = 503, .text = "no key\n"};
  CHECK_THAT(daemon.ask("/readyz"), Contains("200 OK"));  // busy again
  CHECK(daemon.comes_to_say("/readyz", "no key\n"));
}

TEST_CASE("health thread: metrics wait for the loop, and hold nothing else up") {
  Daemon daemon;
  auto answer = daemon.asking("/metrics");
  CHECK(answer.wait_for(200ms) == std::future_status::timeout);
  CHECK_THAT(daemon.ask("/healthz"), Contains("200 OK"));
  while (answer.wait_for(0s) != std::future_status::ready) daemon.loop.run_one_for(10ms);
  CHECK_THAT(answer.get(), Contains("200 OK") && Contains("metrics\n"));
}

TEST_CASE("health thread: a loop that turns no more is not alive, until it turns again") {
  Daemon daemon({.ready = 50ms, .stuck = 0s});
  CHECK_THAT(daemon.ask("/healthz"), Contains("200 OK"));
  std::this_thread::sleep_for(5ms);
  CHECK_THAT(daemon.ask("/healthz"), Contains("503") && Contains("has not turned for 0 seconds"));
  CHECK(daemon.comes_to_say("/healthz", "200 OK"));
}

TEST_CASE("health thread: it ends with questions open, and the loop comes to them afterwards") {
  boost::asio::io_context loop;
  bool asked = false;
  auto health = std::make_unique<HealthThread>(
      loop, "127.0.0.1:0", [] { return HealthServer::Answer{}; },
      [&asked] {
        asked = true;
        return HealthServer::Answer{};
      });
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), health->port()});
  boost::asio::write(socket, boost::asio::buffer(std::string("GET /metrics HTTP/1.0\r\n\r\n")));
  std::this_thread::sleep_for(100ms);
  health.reset();
  CHECK(loop.poll() == 1);
  CHECK_FALSE(asked);
}

}  // namespace this_file
