// The client against a server that answers slowly, incompletely, or with a wrong date.
#include "agent/kube/client.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/harness/temporary_directory.h"
#include "tests/unit/kube/api_server.h"
#include "tests/unit/kube/raw_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr long kSecondsOfADay = 24L * 60 * 60;

const Request kListed{.path = "/api/v1/nodes"};
const Request kWatched{.path = "/api/v1/nodes", .query = {{"watch", "1"}}};

std::string chunk(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

// Includes a Date in the future: the client must ignore it.
std::string head(const std::string& more) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
         "Date: Fri, 31 Dec 2100 23:59:59 GMT\r\n" +
         more + "\r\n";
}

std::string label_frame(const std::string& value) {
  return R"({"type":"MODIFIED","object":{"metadata":{"name":"n","resourceVersion":"5","labels":)"
         R"({"l":")" +
         value + "\"}}}}\n";
}

bool send_all(RawServer::Stream& stream, const std::string& bytes) {
  boost::system::error_code error;
  boost::asio::write(stream, boost::asio::buffer(bytes), error);
  return !error;
}

// An event loop without a server.
struct Loop {
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};

  bool until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.run_one_for(20ms);
    }
    return true;
  }
  Response ask(ApiClient& client) {
    std::optional<Response> answer;
    const auto call = client.request(kListed, [&](Response got) { answer = std::move(got); });
    REQUIRE(until([&] { return answer.has_value(); }));
    return *answer;
  }
};

struct SeenWatch {
  std::vector<std::string> frames;
  std::optional<WatchEnd> end;
  int ends = 0;

  SeenWatch(Loop& loop, ApiClient& client) {
    const auto call =
        client.watch(kWatched, {.on_open = {},
                                .on_frame = [&](std::string line) { frames.push_back(line); },
                                .on_end =
                                    [&](WatchEnd got) {
                                      end = std::move(got);
                                      ++ends;
                                    }});
    REQUIRE(loop.until([&] { return end.has_value(); }));
  }
};

void put_file(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

const std::vector<std::string> kLoopback = {"127.0.0.1"};

}  // namespace

TEST_CASE("an answer that comes byte by byte, its headers too, is read") {
  const api::Authority authority;
  const std::string body = R"({"metadata":{"resourceVersion":"5"},"items":[]})";
  const std::string frame = label_frame("Zürich €");
  RawServer server(authority.server(kLoopback), [&](auto& stream, const auto& asked) {
    const bool watch = asked.text.find("watch=1") != std::string::npos;
    const std::string answer =
        watch ? head("Transfer-Encoding: chunked\r\n") + chunk(frame.substr(0, 70)) +
                    chunk(frame.substr(70)) + "0\r\n\r\n"
              : head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
    for (const char byte : answer) {
      if (!send_all(stream, {byte})) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  });
  Loop loop;
  ApiClient client(loop.io, server.access(authority.pem()));
  const auto list = loop.ask(client);
  CHECK(list == Response{.status = 200, .body = body});
  const SeenWatch watch(loop, client);
  CHECK(watch.frames == std::vector<std::string>{frame.substr(0, frame.size() - 1)});
  CHECK(*watch.end == WatchEnd{.response = {.status = 200}});
}

TEST_CASE("a list that is cut at any byte is no list") {
  const api::Authority authority;
  const std::string body = R"({"metadata":{"resourceVersion":"5"},"items":[]})";
  for (const bool chunked : {false, true}) {
    const std::string answer =
        chunked ? head("Transfer-Encoding: chunked\r\n") + chunk(body.substr(0, 20)) +
                      chunk(body.substr(20)) + "0\r\n\r\n"
                : head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
    std::atomic<size_t> cut = 0;
    RawServer server(authority.server(kLoopback), [&](auto& stream, const auto&) {
      send_all(stream, answer.substr(0, cut));
      return false;
    });
    Loop loop;
    ApiClient client(loop.io, server.access(authority.pem()));
    for (; cut < answer.size(); cut += cut < head("").size() ? 7 : 1) {
      CAPTURE(chunked, cut.load());
      const auto got = loop.ask(client);
      CHECK_THAT(got.error, StartsWith(server.url() + ": "));
      CHECK(got.error.find('\n') == std::string::npos);
    }
    cut = answer.size();
    CHECK(loop.ask(client) == Response{.status = 200, .body = body});
  }
}

// Cut inside a chunk, inside its size, inside a multi-byte character, and between two frames.
TEST_CASE("a watch that is cut at any byte has brought whole frames alone") {
  const api::Authority authority;
  const std::vector<std::string> frames = {label_frame("Zürich"), label_frame("€")};
  const std::string both = frames[0] + frames[1];
  std::string answer = head("Transfer-Encoding: chunked\r\n");
  const auto start = answer.size();
  for (size_t i = 0; i < both.size(); i += 33) answer += chunk(both.substr(i, 33));
  const auto end = answer.size();
  std::atomic<size_t> cut = start;
  RawServer server(authority.server(kLoopback), [&](auto& stream, const auto&) {
    send_all(stream, answer.substr(0, cut));
    return false;
  });
  Loop loop;
  ApiClient client(loop.io, server.access(authority.pem()));
  size_t most = 0;
  for (; cut <= end; ++cut) {
    CAPTURE(cut.load() - start);
    const SeenWatch watch(loop, client);
    REQUIRE(watch.frames.size() <= frames.size());
    for (size_t i = 0; i < watch.frames.size(); ++i) CHECK(watch.frames[i] + "\n" == frames[i]);
    CHECK(watch.frames.size() >= most);
    most = watch.frames.size();
    CHECK(watch.ends == 1);
    CHECK_THAT(watch.end->response.error, Contains("in the middle of the answer"));
  }
  CHECK(most == frames.size());
}

TEST_CASE("a certificate of another time is told with both times, and gets no request") {
  const api::Authority authority;
  struct Row {
    api::Validity validity;
    std::string says, advises;
  };
  const std::vector<Row> rows = {{{.from = 300 * kSecondsOfADay, .until = 400 * kSecondsOfADay},
                                  ": the server's certificate is valid from 2",
                                  "Z: set the clock, or replace the certificate"},
                                 {{.from = -400 * kSecondsOfADay, .until = -300 * kSecondsOfADay},
                                  ": the server's certificate was valid until 2",
                                  "Z: renew the certificate, or set the clock"}};
  for (const auto& row : rows) {
    std::atomic<int> asked = 0;
    RawServer server(authority.server(kLoopback, row.validity), [&](auto&, const auto&) {
      ++asked;
      return false;
    });
    Loop loop;
    ApiClient client(loop.io, server.access(authority.pem()));
    const auto refused = loop.ask(client);
    CHECK(refused.status == 0);
    CHECK_THAT(refused.error, StartsWith(server.url() + row.says) &&
                                  Contains(", and this node's clock says 2") &&
                                  Contains(row.advises));
    CHECK(asked == 0);
    // The explanation for one connection does not apply to the next.
    server.present(authority.server(kLoopback));
    CHECK_THAT(loop.ask(client).error, Contains("closed before an answer came"));
    CHECK(asked > 0);
  }
}

TEST_CASE("a certificate authority that is replaced is believed from the next connection on") {
  const api::Authority before;
  const api::Authority after;
  TemporaryDirectory directory;
  const auto file = directory.path() + "/ca.crt";
  put_file(file, before.pem());
  RawServer server(before.server(kLoopback), [&](auto& stream, const auto&) {
    send_all(stream, head("Content-Length: 2\r\nConnection: close\r\n") + "{}");
    return false;
  });
  auto access = server.access("");
  access.ca = {.text = "", .file = file};
  Loop loop;
  ApiClient client(loop.io, access);
  CHECK(loop.ask(client).body == "{}");
  server.present(after.server(kLoopback));
  CHECK_THAT(loop.ask(client).error, Contains("the server's certificate is not trusted: "));
  put_file(file, "half a certif");
  CHECK(loop.ask(client).error == server.url() + ": " + file + " holds no certificate");
  put_file(file, before.pem() + after.pem());  // as while the CA is replaced
  CHECK(loop.ask(client).body == "{}");
  put_file(file, after.pem());
  CHECK(loop.ask(client).body == "{}");
}

// The API server checks a connection's certificate with every request. On an old connection it
// refuses an expired certificate, even after the client's file was renewed.
TEST_CASE("after 401 a client certificate is read anew, on a new connection") {
  const api::Authority authority;
  const auto certificate = authority.client("system:node:worker");
  TemporaryDirectory directory;
  put_file(directory.path() + "/tls.crt", certificate.certificate_pem);
  put_file(directory.path() + "/tls.key", certificate.key_pem);
  RawServer server(authority.server(kLoopback), [&](auto& stream, const auto& asked) {
    const bool expired = asked.connection == 0 && asked.request > 0;
    const std::string good = head("Content-Length: 2\r\n") + "{}";
    return send_all(stream,
                    expired ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" : good);
  });
  auto access = server.access(authority.pem());
  access.token.clear();
  access.client_certificate.file = directory.path() + "/tls.crt";
  access.client_key.file = directory.path() + "/tls.key";
  Loop loop;
  ApiClient client(loop.io, access);
  CHECK(loop.ask(client).status == 200);
  CHECK(loop.ask(client).status == 401);
  CHECK(server.connections() == 1);
  CHECK(loop.ask(client).status == 200);
  CHECK(server.connections() == 2);
  CHECK(loop.ask(client).status == 200);
  CHECK(server.connections() == 2);
}

}  // namespace this_file
