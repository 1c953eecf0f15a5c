// The client against a real HTTPS server.
#include "agent/kube/client.h"

#include <openssl/evp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/harness/skipped.h"
#include "tests/harness/temporary_directory.h"
#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const Request kNodes{.path = "/api/v1/nodes"};

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what TLS works with is there until the process has ended") {
  const pid_t child = fork();
  if (child == 0) {
    // Runs last, after the exit handlers that libcrypto registers on first use.
    std::atexit([] { _exit(EVP_MD_fetch(nullptr, "SHA256", nullptr) != nullptr ? 0 : 1); });
    EVP_MD_free(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    std::exit(2);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a request is answered with status and body") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  const auto list = server.ask(client, kNodes);
  CHECK(list.status == 200);
  CHECK(list.error.empty());
  CHECK(decode_page(list.body)->objects.size() == 3);

  const auto missing = server.ask(client, {.path = "/api/v1/nodes/nope"});
  CHECK(missing.status == 404);
  CHECK(failure_sentence(missing) == R"(404 Not Found: nodes "nope" not found)");
}

TEST_CASE("query values reach the server as they were meant") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  const auto one = server.ask(
      client, {.path = "/api/v1/nodes", .query = {{"fieldSelector", "metadata.name=worker2"}}});
  CHECK(decode_page(one.body)->objects.size() == 1);
}

TEST_CASE("a server over IPv6 is reached and verified") {
  std::optional<ApiServer> server;
  try {
    server.emplace("::1");
  } catch (const std::exception&) {
    skipped("no IPv6 loopback here");
    return;
  }
  ApiClient client(server->io, server->access());
  const auto list = server->ask(client, kNodes);
  CHECK(list.error.empty());
  CHECK(list.status == 200);
}

TEST_CASE("a host name is resolved, sent as SNI and checked") {
  ApiServer server;
  auto access = server.access();
  override_server(access, "localhost", "");
  ApiClient client(server.io, access);
  const auto list = server.ask(client, kNodes);
  CHECK(list.error.empty());
  CHECK(list.status == 200);
}

TEST_CASE("a server that cannot be trusted gets no request") {
  ApiServer server;
  const ApiFixture stranger;
  auto access = server.access();
  access.ca.text = stranger.ca_pem();
  ApiClient other_ca(server.io, access);
  auto refused = server.ask(other_ca, kNodes);
  CHECK(refused.status == 0);
  CHECK(contains(refused.error, server.api.url() + ": the server's certificate is not trusted: "));

  access = server.access();
  access.tls_server_name = "10.96.0.1";
  ApiClient other_address(server.io, access);
  refused = server.ask(other_address, kNodes);
  CHECK(contains(refused.error, "the server's certificate is not for 10.96.0.1"));

  access.tls_server_name = "kubernetes.example";
  ApiClient other_name(server.io, access);
  refused = server.ask(other_name, kNodes);
  CHECK(contains(refused.error, "the server's certificate is not for kubernetes.example"));

  access.ca.text.clear();  // the system's CAs do not include the fixture's either
  access.tls_server_name.clear();
  ApiClient system_ca(server.io, access);
  CHECK(server.ask(system_ca, kNodes).status == 0);
  CHECK(server.api.requests().empty());

  access.skip_tls_verify = true;
  ApiClient careless(server.io, access);
  CHECK(server.ask(careless, kNodes).status == 200);
}

TEST_CASE("a client certificate identifies its user") {
  ApiServer server;
  const auto certificate = server.api.client_certificate("system:node:worker");
  auto access = server.access();
  access.token.clear();
  access.client_certificate.text = certificate.certificate_pem;
  access.client_key.text = certificate.key_pem;
  ApiClient client(server.io, access);
  CHECK(server.ask(client, kNodes).status == 200);
  CHECK(server.api.requests().back().user == "system:node:worker");

  access.client_key.text = "rubbish";
  ApiClient broken(server.io, access);
  CHECK(server.ask(broken, kNodes).error ==
        server.api.url() +
            ": the client-key in the kubeconfig holds no private key for the client "
            "certificate");
}

TEST_CASE("transport failures are one sentence each") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  const auto url = server.api.url();

  server.api.inject({.kind = api::FaultKind::drop});
  CHECK(server.ask(client, kNodes).error ==
        url + ": the connection was closed before an answer came");
  server.api.inject({.kind = api::FaultKind::truncate});
  auto cut = server.ask(client, kNodes);
  CHECK(cut.error == url + ": the connection was lost in the middle of the answer");
  server.api.inject({.kind = api::FaultKind::stall});
  auto silent = kNodes;
  silent.limit = 300ms;
  CHECK(server.ask(client, silent).error == url + ": nothing was heard for 0.3 s");
  server.api.clear_faults();  // on a busy machine the request may not have come so far
  CHECK(server.ask(client, kNodes).status == 200);
  server.api.go_away();
  CHECK(server.ask(client, kNodes).error == url + ": cannot connect");
  server.api.come_back();
  CHECK(server.ask(client, kNodes).status == 200);

  auto access = server.access();
  override_server(access, "does-not-exist.invalid", "");
  ApiClient nowhere(server.io, access);
  CHECK(contains(server.ask(nowhere, kNodes).error, ": cannot resolve the host name"));
}

TEST_CASE("Retry-After is read from the answer") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  server.api.inject({.kind = api::FaultKind::answer, .status = 429, .retry_after = 7s});
  const auto answer = server.ask(client, kNodes);
  CHECK(answer.status == 429);
  CHECK(answer.retry_after == 7s);
}

TEST_CASE("a renewed token is used from the next request on") {
  ApiServer server;
  server.api.allow_token("older", "first");
  server.api.allow_token("newer", "second");
  TemporaryDirectory directory;
  const std::filesystem::path root = directory.path();
  // As kubelet projects a volume: token -> ..data/token; ..data is a link that is replaced.
  for (const auto* name : {"older", "newer"}) {
    std::filesystem::create_directory(root / name);
    std::ofstream(root / name / "token") << name << "\n";
  }
  std::filesystem::create_symlink("older", root / "..data");
  std::filesystem::create_symlink("..data/token", root / "token");
  auto access = server.access();
  access.token.clear();
  access.token_file = root / "token";
  ApiClient client(server.io, access);
  CHECK(server.ask(client, kNodes).status == 200);
  CHECK(server.api.requests().back().user == "first");

  server.api.revoke_token("older");
  CHECK(server.ask(client, kNodes).status == 401);
  std::filesystem::create_symlink("newer", root / "..data_tmp");
  std::filesystem::rename(root / "..data_tmp", root / "..data");
  CHECK(server.ask(client, kNodes).status == 200);
  CHECK(server.api.requests().back().user == "second");

  // While the file is missing the last token is used; a client without one reports it.
  std::filesystem::remove(root / "token");
  CHECK(server.ask(client, kNodes).status == 200);
  ApiClient fresh(server.io, access);
  CHECK(server.ask(fresh, kNodes).error == "cannot read " + access.token_file + ", or it is empty");
}

TEST_CASE("a watch brings frames as they come, and ends cleanly or with its reason") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  bool open = false;
  std::vector<std::string> frames;
  std::optional<WatchEnd> end;
  const auto watch = [&](const std::string& version, const std::string& seconds) {
    open = false;
    frames.clear();
    end.reset();
    return client.watch(
        {.path = "/api/v1/nodes",
         .query = {{"watch", "1"}, {"resourceVersion", version}, {"timeoutSeconds", seconds}}},
        {.on_open = [&] { open = true; },
         .on_frame = [&](std::string line) { frames.push_back(std::move(line)); },
         .on_end = [&](WatchEnd got) { end = std::move(got); }});
  };
  const auto version = std::to_string(server.api.version());
  {
    const auto call = watch(version, "30");
    REQUIRE(server.until([&] { return open; }));
    CHECK(frames.empty());
    for (int i = 1; i <= 3; ++i) {
      server.api.patch({"nodes", "", "worker"},
                       {{"metadata", {{"labels", {{"n", std::to_string(i)}}}}}});
      REQUIRE(server.until([&] { return frames.size() == static_cast<size_t>(i); }));
    }
    CHECK_FALSE(end);
  }  // destroyed: closed
  CHECK(server.until([&] { return server.api.open_watches() == 0; }));
  CHECK_FALSE(end);

  const auto timed = watch(version, "1");
  REQUIRE(server.until([&] { return end.has_value(); }));
  CHECK(frames.size() == 3);
  CHECK(*end == WatchEnd{.response = {.status = 200}});

  server.api.forget_history();
  const auto too_old = watch(version, "30");
  REQUIRE(server.until([&] { return end.has_value(); }));
  CHECK_FALSE(open);
  CHECK(end->response.status == 410);

  const auto cut = watch(std::to_string(server.api.version()), "30");
  REQUIRE(server.until([&] { return open; }));
  server.api.disturb_watches(api::FaultKind::truncate);
  REQUIRE(server.until([&] { return end.has_value(); }));
  CHECK(end->half_frame);
}

TEST_CASE("a silent watch ends after its limit") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  std::optional<WatchEnd> end;
  const auto call = client.watch({.path = "/api/v1/nodes",
                                  .query = {{"watch", "1"}, {"timeoutSeconds", "60"}},
                                  .limit = 400ms},
                                 {.on_open = {},
                                  .on_frame = [](const std::string&) {},
                                  .on_end = [&](WatchEnd got) { end = std::move(got); }});
  REQUIRE(server.until([&] { return end.has_value(); }));
  CHECK(contains(end->response.error, "nothing was heard for 0.4 s"));
}

TEST_CASE("cancelled and abandoned calls say nothing more, and a client can go at any moment") {
  ApiServer server;
  server.api.inject({.kind = api::FaultKind::delay, .delay = 20ms, .times = api::kUntilCleared});
  for (int i = 0; i < 40; ++i) {
    auto client = std::make_unique<ApiClient>(server.io, server.access());
    std::vector<Call> calls;
    for (int n = 0; n < 4; ++n) {
      calls.push_back(client->request(kNodes, [&](const Response&) { FAIL("was cancelled"); }));
      calls.push_back(client->watch({.path = "/api/v1/nodes", .query = {{"watch", "1"}}},
                                    {.on_open = {},
                                     .on_frame = [](const std::string&) {},
                                     .on_end = [](const WatchEnd&) { FAIL("was cancelled"); }}));
    }
    // Cancels at a different moment each time: while connecting, in the handshake, headers or body.
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(i);
    while (i < 12 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    calls.resize(4);
    const auto began = std::chrono::steady_clock::now();
    client.reset();
    CHECK(std::chrono::steady_clock::now() - began < 1900ms);
    server.io.poll();
  }
}

TEST_CASE("a callback may destroy the client it came from") {
  ApiServer server;
  auto client = std::make_unique<ApiClient>(server.io, server.access());
  const auto call = client->request(kNodes, [&](const Response&) { client.reset(); });
  CHECK(server.until([&] { return !client; }));
}

}  // namespace this_file
