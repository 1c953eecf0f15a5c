// Descriptors that come with requests: whose they are, and that none stays open.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>  // before <boost/asio.hpp>, whose awaitable.hpp needs it

#include <boost/asio.hpp>
#include <cstring>
#include <filesystem>
#include <thread>

#include "agent/socket/server.h"
#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"
#include "tools/agent_line.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
using boost::asio::local::stream_protocol;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string name_of(int descriptor) {
  return fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).string();
}

size_t open_descriptors() {
  return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

// What a method says of the descriptor that it was handed.
nlohmann::json about(const FileDescriptor& passed) {
  if (!passed) return "none";
  const bool inherited = (::fcntl(passed.get(), F_GETFD) & FD_CLOEXEC) == 0;
  return name_of(passed.get()) + (inherited ? ", inherited by children" : "");
}

// A server in a thread of its own, with a method that takes a descriptor and one that does not.
class Running {
 public:
  Running() : thread_([this] { context_.run(); }) {}
  ~Running() {
    context_.stop();
    thread_.join();
  }

  std::string path() const { return directory_.path() + "/agent.sock"; }
  std::string ask(const std::string& line, int descriptor) const {
    return agent_answer(path(), line, std::chrono::seconds(10), 1 << 20, descriptor);
  }
  stream_protocol::socket connected() {
    stream_protocol::socket socket(mine_);
    socket.connect(stream_protocol::endpoint(path()));
    return socket;
  }

 private:
  TemporaryDirectory directory_;
  boost::asio::io_context context_;
  boost::asio::io_context mine_;
  Server server_{
      context_,
      path(),
      {{"take", [](const nlohmann::json&, const FileDescriptor& passed) { return about(passed); }},
       {"leave", [](const nlohmann::json&) { return nlohmann::json("left"); }}}};
  std::thread thread_;
};

// One message with any number of descriptors.
void send(stream_protocol::socket& socket, const std::string& bytes, std::vector<int> descriptors) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  const size_t size = descriptors.size() * sizeof(int);
  std::vector<cmsghdr> control(CMSG_SPACE(size) / sizeof(cmsghdr) + 1);
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  REQUIRE(::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

std::string line_from(stream_protocol::socket& socket) {
  std::string line;
  boost::system::error_code error;
  boost::asio::read_until(socket, boost::asio::dynamic_buffer(line), '\n', error);
  return line;
}

}  // namespace

TEST_CASE("server: a descriptor that comes with a request is handed to the method that takes one") {
  const Running server;
  const FileDescriptor netns(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  REQUIRE(netns);
  const auto named = "{\"result\":\"" + name_of(netns.get()) + "\"}";
  CHECK(server.ask(R"({"method":"take"})", netns.get()) == named);
  CHECK(server.ask(R"({"method":"take"})", -1) == R"({"result":"none"})");
  CHECK(server.ask(R"({"method":"leave"})", netns.get()) == R"({"result":"left"})");
  const std::string room(600'000, ' ');  // in many pieces
  CHECK(server.ask("{\"method\":" + room + "\"take\"}", netns.get()) == named);
}

TEST_CASE("server: each request of a connection has its own descriptor, or none") {
  Running server;
  auto socket = server.connected();
  const FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor two(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const std::string take = "{\"method\":\"take\"}\n";
  const auto answer_to = [&](const std::vector<int>& descriptors) {
    send(socket, take, descriptors);
    return line_from(socket);
  };
  CHECK_THAT(answer_to({one.get()}), Contains("/dev/null"));
  CHECK_THAT(answer_to({}), Contains("none"));
  CHECK_THAT(answer_to({two.get()}), Contains("/dev/zero"));
  CHECK_THAT(answer_to({two.get(), one.get(), one.get()}), Contains("/dev/zero"));
  send(socket, "{\"method\"", {one.get()});
  send(socket, ":\"take\"", {two.get()});
  send(socket, "}\n", {});
  CHECK_THAT(line_from(socket), Contains("/dev/null"));
}

TEST_CASE("server: no descriptor stays open, whatever it comes with") {
  Running server;
  const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK_THAT(server.ask(R"({"method":"take"})", null.get()), Contains("/dev/null"));
  const auto settled = [](size_t wanted) {
    for (int tries = 0; tries < 500 && open_descriptors() != wanted; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return open_descriptors();
  };
  // What the first connection opens once and for all is open.
  { auto first = server.connected(); }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const size_t before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    for (const std::string request :
         {"{\"method\":\"take\"}\n", "{\"method\":\"leave\"}\n", "{\"method\":\"unknown\"}\n",
          "no JSON\n", "{\"method\":\"take\"", ""}) {
      for (const size_t count : {1, 2, 4, 5, 100}) {
        auto socket = server.connected();
        const std::vector<int> descriptors(count, null.get());
        if (!request.empty()) send(socket, request, descriptors);
        if (!request.empty() && request.back() == '\n') CHECK(!line_from(socket).empty());
        if (request.size() > 1) send(socket, request.substr(0, 1), descriptors);
      }
    }
  }
  CHECK(settled(before) == before);
}

}  // namespace this_file
