// Compressed answers and watches, whole, cut short and too large.
#include "agent/kube/client.h"
#include "tests/harness/api/zip.h"
#include "tests/unit/kube/api_server.h"
#include "tests/unit/kube/raw_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const Request kNodes{.path = "/api/v1/nodes"};

struct Watched {
  std::vector<std::string> frames;
  std::optional<WatchEnd> end;
  WatchCallbacks callbacks() {
    return {.on_open = [] {},
            .on_frame = [this](std::string line) { frames.push_back(std::move(line)); },
            .on_end = [this](WatchEnd how) { end = std::move(how); }};
  }
};

std::string answer(const std::string& encoding, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: " + encoding +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// A server that answers everything with these bytes and closes.
struct Compressed {
  ApiServer loop;
  api::Authority authority;
  std::string bytes;
  RawServer raw{authority.server({"127.0.0.1"}), [this](RawServer::Stream& stream, const auto&) {
                  boost::system::error_code error;
                  boost::asio::write(stream, boost::asio::buffer(bytes), error);
                  return true;
                }};
  ApiClient client{loop.io, raw.access(authority.pem())};
  explicit Compressed(std::string answered) : bytes(std::move(answered)) {}
};

}  // namespace

TEST_CASE("a large answer comes compressed, and is the same") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  const auto plain = server.ask(client, kNodes).body;
  CHECK_FALSE(server.api.requests().back().gzip);
  server.api.set_gzip_above(100);
  CHECK(server.ask(client, kNodes).body == plain);
  CHECK(server.api.requests().back().gzip);
}

TEST_CASE("a compressed watch gives each frame when it is sent, and ends cleanly") {
  ApiServer server;
  server.api.set_gzip_watches(true);
  ApiClient client(server.io, server.access());
  Watched seen;
  const auto call = client.watch(
      {.path = "/api/v1/nodes",
       .query = {{"watch", "1"}, {"resourceVersion", std::to_string(server.api.version())}},
       .limit = 20s},
      seen.callbacks());
  REQUIRE(server.api.wait_for_watches(1, 5s));
  for (size_t i = 1; i <= 3; ++i) {
    server.api.patch(api::node_key("worker"),
                     {{"metadata", {{"annotations", {{"count", std::to_string(i)}}}}}});
    REQUIRE(server.until([&] { return seen.frames.size() == i; }));
    CHECK(decode_frame(seen.frames.back()));
  }
  CHECK(server.api.requests().back().gzip);
  server.api.disturb_watches(api::FaultKind::end);
  REQUIRE(server.until([&] { return seen.end.has_value(); }));
  CHECK(seen.end->response.error.empty());
  CHECK_FALSE(seen.end->half_frame);
}

TEST_CASE("a compressed answer that ends in the middle is no answer") {
  const auto whole = api::gzipped(std::string(1000, 'x'));
  Compressed site(answer("gzip", whole.substr(0, whole.size() / 2)));
  const auto got = site.loop.ask(site.client, kNodes);
  CHECK(got.error.find("the compressed answer ends in the middle") != std::string::npos);
}

TEST_CASE("a damaged one, and one in an encoding that was not asked for, are refused") {
  Compressed damaged(answer("gzip", "this is not gzip"));
  CHECK(damaged.loop.ask(damaged.client, kNodes).error.find("the compressed answer is damaged") !=
        std::string::npos);
  Compressed brotli(answer("br", "whatever"));
  CHECK(brotli.loop.ask(brotli.client, kNodes)
            .error.find("the answer has an encoding that was not asked for") != std::string::npos);
}

TEST_CASE("a small answer that decodes to more than the limit is refused, list and watch") {
  const auto bomb = api::gzipped(std::string(kLargestAnswer + 1, ' '));
  REQUIRE(bomb.size() < kLargestAnswer / 100);
  Compressed site(answer("gzip", bomb));
  const std::string too_large = "the answer is larger than 64 MiB";
  CHECK(site.loop.ask(site.client, kNodes).error.find(too_large) != std::string::npos);
  Watched seen;
  const auto call = site.client.watch(kNodes, seen.callbacks());
  REQUIRE(site.loop.until([&] { return seen.end.has_value(); }));
  CHECK(seen.end->response.error.find(too_large) != std::string::npos);
  CHECK(seen.frames.empty());
}

TEST_CASE("a callback may end a compressed watch while frames are left") {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += "{\"i\":" + std::to_string(i) + "}\n";
  Compressed site(answer("gzip", api::gzipped(lines)));
  Call call;
  int frames = 0;
  bool ended = false;
  call = site.client.watch(kNodes, {.on_open = [] {},
                                    .on_frame =
                                        [&](const std::string&) {
                                          ++frames;
                                          call.cancel();
                                        },
                                    .on_end = [&](const WatchEnd&) { ended = true; }});
  REQUIRE(site.loop.until([&] { return frames == 1; }));
  site.loop.until([] { return false; }, 100ms);
  CHECK(frames == 1);
  CHECK_FALSE(ended);
}

TEST_CASE("requests name the program that sends them, the form and the encoding they want") {
  std::string text;
  ApiServer loop;
  const api::Authority authority;
  RawServer raw(authority.server({"127.0.0.1"}), [&](RawServer::Stream& stream,
                                                     const RawServer::Asked& asked) {
    text = asked.text;
    boost::system::error_code error;
    boost::asio::write(
        stream, boost::asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
        error);
    return true;
  });
  auto access = raw.access(authority.pem());
  access.program = "pellicle-agent";
  ApiClient client(loop.io, access);
  CHECK(loop.ask(client, {.path = "/x", .accept = "application/json;as=Y, application/json"})
            .status == 200);
  CHECK(text.find("User-Agent:pellicle-agent/" PELLICLE_VERSION "\r\n") != std::string::npos);
  CHECK(text.find("Accept-Encoding:gzip\r\n") != std::string::npos);
  CHECK(text.find("Accept:application/json;as=Y, application/json\r\n") != std::string::npos);
}

}  // namespace this_file
