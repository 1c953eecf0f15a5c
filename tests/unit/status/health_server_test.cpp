#include "agent/http/health_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <stdexcept>
#include <thread>

#include "tests/harness/catch.h"

using namespace pellicle;
using boost::asio::ip::tcp;
using Catch::Matchers::Contains;

namespace {

// A server in a thread of its own, and who asks it.
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

  // All that is answered until the server hangs up; nothing when it hung up at once.
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

TEST_CASE("health server: who keeps it busy is one of few, and it answers when they have gone") {
  Served served;
  std::list<tcp::socket> idle;
  for (int i = 0; i < 32; ++i) idle.push_back(served.connected());
  CHECK(served.ask("GET /healthz").empty());
  idle.clear();
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer = served.ask("GET /healthz");
  }
  CHECK_THAT(answer, Contains("200 OK"));
}

TEST_CASE("health server: an address that cannot be is named") {
  boost::asio::io_context io;
  for (const char* address : {"", "9879", "localhost:9879", "127.0.0.1:", "127.0.0.1:70000"}) {
    CAPTURE(address);
    CHECK_THROWS_WITH(HealthServer(io, address, {}), Contains("health-address "));
  }
}
