#include "agent/http/health_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <stdexcept>
#include <thread>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using boost::asio::ip::tcp;
using Catch::Matchers::Contains;

namespace {

// A server in its own thread, and its clients.
class Served {
 public:
  ~Served() {
    io_.stop();
    thread_.join();
  }

  tcp::socket connected() {
    tcp::socket socket(mine_);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), server_.port()});
    return socket;
  }

  // The answer up to the server's close; empty if the server closes at once.
  std::string ask(const std::string& first_line) {
    auto socket = connected();
    boost::system::error_code ended;
    boost::asio::write(socket, boost::asio::buffer(first_line + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                       ended);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), ended);
    return answer;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::io_context mine_;
  HealthServer server_{
      io_,
      "127.0.0.1:0",
      {{"/healthz", [] { return HealthServer::Answer{.text = "ok\n"}; }},
       {"/readyz", [] { return HealthServer::Answer{.status = 503, .text = "no key\n"}; }},
       {"/broken",
        []() -> HealthServer::Answer { throw std::runtime_error("the kernel says no"); }}}};
  std::thread thread_{[this] { io_.run(); }};
};

}  // namespace

TEST_CASE("health server: answers what it has, and says what it has not") {
  Served served;
  CHECK_THAT(served.ask("GET /healthz"), Contains("200 OK") && Contains("ok\n"));
  CHECK_THAT(served.ask("GET /healthz?verbose"), Contains("200 OK"));
  CHECK_THAT(served.ask("GET /readyz"), Contains("503") && Contains("no key\n"));
  CHECK_THAT(served.ask("GET /elsewhere"), Contains("404"));
  CHECK_THAT(served.ask("POST /healthz"), Contains("405"));
}

TEST_CASE("health server: an answer that fails costs that answer alone") {
  Served served;
  CHECK_THAT(served.ask("GET /broken"), Contains("500") && Contains("the kernel says no"));
  CHECK_THAT(served.ask("GET /healthz"), Contains("200 OK"));
}

TEST_CASE("health server: hundreds who say nothing keep no probe out, and hold few descriptors") {
  Served served;
  std::list<tcp::socket> idle;
  for (int i = 0; i < 500; ++i) {
    idle.push_back(served.connected());
    // Some send an incomplete request.
    if (i % 3 == 0) boost::asio::write(idle.back(), boost::asio::buffer("GET /heal", 9));
    if (i % 100 == 99) CHECK_THAT(served.ask("GET /healthz"), Contains("200 OK"));
  }
  // The server has closed all but the newest: reading from them ends.
  idle.erase(std::prev(idle.end(), 64), idle.end());
  for (auto& socket : idle) {
    char byte = 0;
    boost::system::error_code error;
    CHECK(boost::asio::read(socket, boost::asio::buffer(&byte, 1), error) == 0);
    CHECK(error);
  }
}

TEST_CASE(
    "health server: a request without an end, and one that is none, cost that connection alone") {
  Served served;
  CHECK_THAT(served.ask("GET /healthz HTTP/1.1\r\nX: " + std::string(64 << 10, 'x')),
             !Contains("200 OK"));
  CHECK_THAT(served.ask(std::string("\x16\x03\x01\0\xff\xfe", 6)), !Contains("200 OK"));
  CHECK_THAT(served.ask("GET /healthz"), Contains("200 OK"));
}

TEST_CASE("health server: an address that cannot be is named") {
  boost::asio::io_context io;
  for (const char* address : {"", "9879", "localhost:9879", "127.0.0.1:", "127.0.0.1:70000"}) {
    CAPTURE(address);
    CHECK_THROWS_WITH(HealthServer(io, address, {}),
                      Contains("health-address: expected an IP address and a port"));
  }
}

}  // namespace this_file
