// One health probe, against each kind of endpoint.
#include "agent/health/question.h"

#include <boost/asio/ip/tcp.hpp>

#include "agent/http/health_server.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

// All of 127.0.0.0/8 is local: each case has its own address.
HealthResult ask(boost::asio::io_context& io, const char* address,
                 std::optional<IpAddress> source = std::nullopt) {
  std::optional<HealthResult> heard;
  const auto question = HealthQuestion::ask(
      io,
      {.node = "worker2", .way = HealthWay::node, .address = seed::ip(address), .source = source},
      1s, [&](const HealthResult& result) { heard = result; });
  CHECK_FALSE(heard);  // never before ask() returns
  io.restart();
  while (!heard) REQUIRE(io.run_one_for(5s) == 1);
  return *heard;
}

tcp::endpoint at(const char* address) {
  return {boost::asio::ip::make_address(address), kClusterHealthPort};
}

}  // namespace

TEST_CASE("question: who says hello is reached, and how long a round trip took") {
  boost::asio::io_context io;
  HealthServer server(io, "127.0.87.1:4240",
                      {{"/hello", [] { return HealthServer::Answer{.text = "hello\n"}; }}});
  const auto result = ask(io, "127.0.87.1", seed::ip("127.0.87.9"));
  CHECK(result.answer == HealthAnswer::good);
  CHECK(result.latency.count() > 0);
  CHECK(result.latency < 1s);
}

TEST_CASE("question: an address where nobody listens refuses, and so does who hangs up") {
  boost::asio::io_context io;
  CHECK(ask(io, "127.0.87.2").answer == HealthAnswer::refused);
  tcp::acceptor acceptor(io, at("127.0.87.3"));
  acceptor.async_accept([](boost::system::error_code, tcp::socket) {});  // accepts, and closes it
  CHECK(ask(io, "127.0.87.3").answer == HealthAnswer::refused);
}

TEST_CASE("question: an agent that hangs is not taken for a way that loses large packets") {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, at("127.0.87.4"));  // the kernel accepts the connection
  CHECK(ask(io, "127.0.87.4").answer == HealthAnswer::mute);
}

TEST_CASE("question: a source that is not this machine's is no way, in the kernel's words") {
  boost::asio::io_context io;
  const auto result = ask(io, "127.0.87.5", seed::ip("192.0.2.1"));
  CHECK(result.answer == HealthAnswer::no_way);
  CHECK(result.words == "Cannot assign requested address");
}

TEST_CASE("question: one that is withdrawn calls nobody") {
  boost::asio::io_context io;
  bool called = false;
  HealthQuestion::ask(
      io, {.node = "worker2", .way = HealthWay::node, .address = seed::ip("127.0.87.6")}, 1s,
      [&](const HealthResult&) { called = true; });
  io.run_for(100ms);
  CHECK_FALSE(called);
}

// The inquiry does this: it destroys the question from the callback, while the question's pending
// operations are still being cancelled.
TEST_CASE("question: one that is dropped by who hears its answer leaves nothing behind") {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, at("127.0.87.7"));
  std::shared_ptr<HealthQuestion> question;
  std::optional<HealthResult> heard;
  question = HealthQuestion::ask(
      io, {.node = "worker2", .way = HealthWay::node, .address = seed::ip("127.0.87.7")}, 1s,
      [&](const HealthResult& result) {
        heard = result;
        question.reset();
      });
  io.run_for(5s);
  REQUIRE(heard);
  CHECK(heard->answer == HealthAnswer::mute);
}

}  // namespace this_file
