// Requests to the health port, which any client can send.
#include "agent/http/health_server.h"
#include "tests/fuzz/connection.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

using boost::asio::ip::tcp;

struct Daemon {
  boost::asio::io_context io;
  HealthServer server{
      io,
      "127.0.0.1:0",
      {{"/healthz", [] { return HealthServer::Answer{.text = "ok\n"}; }},
       {"/broken", []() -> HealthServer::Answer { throw std::runtime_error("it broke"); }}}};
  uint32_t clients = 0;

  // Each request uses another loopback address: a used port stays in TIME_WAIT for a minute.
  std::string answer(const std::string& request) {
    const auto address = 0x7f000002 + ++clients % 0xfffff0;
    const tcp::endpoint from(boost::asio::ip::address_v4(address), 0);
    return exchange(io, {boost::asio::ip::address_v4::loopback(), server.port()}, request, &from);
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Daemon daemon;
  const auto answer = daemon.answer(text_of(data, size));
  expect(answer.empty() || answer.starts_with("HTTP/1."), "an answer is HTTP");
  expect(answer.size() < 1024, "an answer does not grow with what was asked");
  const auto next = daemon.answer("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(next.starts_with("HTTP/1.1 200 OK\r\n") && next.ends_with("\r\n\r\nok\n"),
         "the next one is served");
  return 0;
}
