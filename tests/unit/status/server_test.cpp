#include "agent/socket/server.h"

#include <sys/stat.h>

#include <boost/asio.hpp>
#include <fstream>
#include <thread>

#include <future>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
namespace asio = boost::asio;

namespace {

// A server in its own thread, with three methods.
class Running {
 public:
  explicit Running(const std::string& path)
      : server_(context_, path,
                {{"echo", [](const nlohmann::json& params) { return params; }},
                 {"later",
                  [](const nlohmann::json&) -> nlohmann::json {
                    throw RequestError(kErrorTryLater, "not yet");
                  }},
                 {"broken",
                  [](const nlohmann::json&) -> nlohmann::json {
                    throw std::runtime_error("it broke");
                  }}}),
        thread_([this] { context_.run(); }) {}
  ~Running() {
    context_.stop();
    thread_.join();
  }

 private:
  asio::io_context context_;
  Server server_;
  std::thread thread_;
};

std::string raw(const std::string& path, const std::string& request) {
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context);
  socket.connect(asio::local::stream_protocol::endpoint(path));
  boost::system::error_code error;
  asio::write(socket, asio::buffer(request), error);
  std::string reply;
  asio::read_until(socket, asio::dynamic_buffer(reply), '\n', error);
  return reply;
}

}  // namespace

TEST_CASE("server: answers a request, and only root may ask") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  const Running server(path);
  CHECK(ctl::ask(path, "echo", {{"a", 1}}) == nlohmann::ordered_json{{"a", 1}});
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("server: errors are answers, and the connection lives on") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  const Running server(path);
  CHECK(raw(path, "garbage\n").find("\"code\":7") != std::string::npos);
  CHECK(raw(path, "{\"method\":\"nothing\"}\n").find("no such method") != std::string::npos);
  CHECK(raw(path, "{\"method\":\"later\"}\n").find("\"code\":11") != std::string::npos);
  CHECK(raw(path, "[1,2]\n").find("\"code\":7") != std::string::npos);
  CHECK_THROWS_WITH(ctl::ask(path, "broken"), "it broke");
  CHECK(ctl::ask(path, "echo", {{"b", 2}}) == nlohmann::ordered_json{{"b", 2}});
}

TEST_CASE("server: a request that is nested without end is refused, and costs no stack") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  const Running server(path);
  constexpr size_t deep = 500'000;
  const auto nested = std::string(deep, '[') + std::string(deep, ']');
  CHECK(raw(path, "{\"method\":\"echo\",\"params\":" + nested + "}\n").find("too deep") !=
        std::string::npos);
  CHECK(ctl::ask(path, "echo") == nlohmann::ordered_json::object());
}

TEST_CASE("server: an endless request is cut off, not stored") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  const Running server(path);
  CHECK(raw(path, std::string(3 << 20, 'x')).empty());
  CHECK(ctl::ask(path, "echo") == nlohmann::ordered_json::object());
}

TEST_CASE("server: takes a dead agent's socket over, never a live one's") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  {
    asio::io_context context;
    asio::local::stream_protocol::acceptor dead(context,
                                                asio::local::stream_protocol::endpoint(path));
  }
  const Running server(path);
  asio::io_context context;
  CHECK_THROWS_WITH(Server(context, path, {}), Catch::Contains("another agent"));
  CHECK(ctl::ask(path, "echo") == nlohmann::ordered_json::object());
}

TEST_CASE("server: more clients than it has sessions for wait their turn") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  const Running server(path);
  std::vector<std::future<bool>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::async(std::launch::async, [&path, i] {
      return ctl::ask(path, "echo", {{"i", i}}) == nlohmann::ordered_json{{"i", i}};
    }));
  }
  for (auto& client : clients) CHECK(client.get());
}

TEST_CASE("server: nobody there is said with the path") {
  CHECK_THROWS_WITH(ctl::ask("/nowhere.sock", "status"),
                    Catch::Contains("no agent answers on /nowhere.sock"));
}

// As with an agent under SIGSTOP: the kernel accepts connections, and no process reads.
TEST_CASE("server: an agent that is stopped is said within the time limit") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.sock";
  asio::io_context context;
  const asio::local::stream_protocol::acceptor stopped(
      context, asio::local::stream_protocol::endpoint(path), /*reuse_addr=*/false);
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(
      ctl::ask(path, "status", {}, std::chrono::milliseconds(300)),
      Catch::Contains("does not answer within 1 s") && Catch::Contains("it is stopped or hangs"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

}  // namespace this_file
