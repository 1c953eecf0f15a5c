// Malicious or broken clients of the agent's socket.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>  // before <boost/asio.hpp>: its awaitable.hpp needs it

#include <boost/asio.hpp>
#include <list>
#include <thread>

#include "agent/socket/server.h"
#include "tests/harness/catch.h"
#include "tests/harness/skipped.h"
#include "tests/harness/temporary_directory.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
using boost::asio::local::stream_protocol;

namespace {

// A server in its own thread, and its clients.
class Besieged {
 public:
  Besieged() : thread_([this] { context_.run(); }) {}
  ~Besieged() {
    context_.stop();
    thread_.join();
  }

  std::string path() const { return directory_.path() + "/agent.sock"; }
  stream_protocol::socket connected() {
    stream_protocol::socket socket(mine_);
    socket.connect(stream_protocol::endpoint(path()));
    return socket;
  }
  bool answers() const {
    return ctl::ask(path(), "echo", {{"a", 1}}) == nlohmann::ordered_json{{"a", 1}};
  }
  // The answer to these bytes, up to the end of a line or of the connection.
  std::string answer_to(const std::string& bytes) {
    auto socket = connected();
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(bytes), error);
    std::string reply;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(reply), '\n', error);
    return reply;
  }

 private:
  TemporaryDirectory directory_;
  boost::asio::io_context context_;
  boost::asio::io_context mine_;
  Server server_{context_,
                 path(),
                 {{"echo", [](const nlohmann::json& params) { return params; }},
                  {"much", [](const nlohmann::json&) { return std::string(1 << 19, 'x'); }}}};
  std::thread thread_;
};

}  // namespace

TEST_CASE("server: thousands who say nothing keep nobody out, and do not get all descriptors") {
  Besieged agent;
  std::list<stream_protocol::socket> idle;
  for (int i = 0; i < 600; ++i) {  // with the server's, fewer than the usual 1024 descriptors
    idle.push_back(agent.connected());
    if (i % 2 == 0) boost::asio::write(idle.back(), boost::asio::buffer("{\"method", 8));
  }
  CHECK(agent.answers());
  // The server has closed the first silent connection: its read ends.
  char byte = 0;
  boost::system::error_code error;
  CHECK(boost::asio::read(idle.front(), boost::asio::buffer(&byte, 1), error) == 0);
  CHECK(error == boost::asio::error::eof);
}

TEST_CASE("server: those who do not read their answers keep nobody out") {
  Besieged agent;
  std::list<stream_protocol::socket> deaf;
  for (int i = 0; i < 300; ++i) {
    deaf.push_back(agent.connected());
    boost::asio::write(deaf.back(), boost::asio::buffer("{\"method\":\"much\"}\n", 18));
  }
  CHECK(agent.answers());
}

TEST_CASE("server: whatever is sent is answered with an error or the end, and others are served") {
  Besieged agent;
  const std::string malformed = "\"code\":7";
  for (const std::string& bytes : {
           std::string("\n"),
           std::string("\0\0\0\n", 4),
           std::string("\xff\xfe\xfd\n"),
           std::string("GET / HTTP/1.1\r\n"),
           std::string("{\"method\":7}\n"),
           std::string("{\"method\":\"echo\",\"params\":\"\xc3\"}\n"),
           std::string(1 << 19, '[') + "\n",
           "{\"method\":" + std::string(1 << 19, '{') + "\n",
       }) {
    INFO(bytes.substr(0, 60));
    const auto reply = agent.answer_to(bytes);
    CHECK(reply.find(malformed) != std::string::npos);
  }
  CHECK(agent.answer_to(std::string(2 << 20, '{')).empty());
  CHECK(agent.answers());
}

// Deep enough to overflow the stack of a recursive parser.
TEST_CASE("server: a request that is as deep as it is long is refused") {
  Besieged agent;
  const int depth = 400'000;
  const auto reply = agent.answer_to("{\"method\":\"echo\",\"params\":" + std::string(depth, '[') +
                                     std::string(depth, ']') + "}\n");
  CHECK(reply.find("\"code\":7") != std::string::npos);
  CHECK(agent.answers());
}

TEST_CASE("server: only root may ask, whatever the socket's mode is") {
  if (geteuid() != 0) {
    skipped("another user can be tried by root alone");
    return;
  }
  Besieged agent;
  REQUIRE(chmod(agent.path().c_str(), 0777) == 0);
  const auto directory = agent.path().substr(0, agent.path().rfind('/'));
  REQUIRE(chmod(directory.c_str(), 0777) == 0);
  const pid_t child = fork();
  if (child == 0) {
    int verdict = 1;
    if (setuid(65534) == 0) {
      try {
        (void)ctl::ask(agent.path(), "echo");
      } catch (const ctl::Refused& refused) {
        verdict = std::string(refused.what()) == "only root may ask the agent" ? 0 : 2;
      } catch (const std::exception&) {
        verdict = 3;
      }
    }
    _exit(verdict);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(agent.answers());
}

}  // namespace this_file
