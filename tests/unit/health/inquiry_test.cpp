// Which node probes which, and how answers are collected.
#include "agent/health/inquiry.h"

#include <boost/asio/ip/tcp.hpp>

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

TEST_CASE("inquiry: peers whose agents hang are asked again and again, and told") {
  boost::asio::io_context io;
  const auto at = [](const char* address) {
    return tcp::endpoint(boost::asio::ip::make_address(address), kClusterHealthPort);
  };
  const tcp::acceptor first(io, at("127.0.88.1"));
  const tcp::acceptor second(io, at("127.0.88.2"));
  std::vector<HealthAnswer> told;
  HealthInquiry inquiry(io, 1s, 1, [&](const HealthPath& path, const HealthResult& result) {
    CHECK(path.way == HealthWay::node);
    told.push_back(result.answer);
  });
  const std::vector<HealthPath> paths = {
      {.node = "worker2", .way = HealthWay::node, .address = seed::ip("127.0.88.1")},
      {.node = "worker3", .way = HealthWay::node, .address = seed::ip("127.0.88.2")}};
  const auto limit = std::chrono::steady_clock::now() + 30s;
  while (told.size() < 4 && std::chrono::steady_clock::now() < limit) {
    inquiry.set_paths(paths);
    io.run_for(100ms);
  }
  REQUIRE(told.size() == 4);  // each once at first, and once more when it repeats
  for (const auto answer : told) CHECK(answer == HealthAnswer::mute);
}

}  // namespace this_file
