// The proxy for the API server: how it is configured, what bypasses it, and requests through it.
#include "agent/kube/proxy.h"

#include <fstream>

#include "tests/harness/temporary_directory.h"
#include "tests/unit/kube/api_server.h"
#include "tests/unit/proxy/connect_proxy.h"

// cpprestsdk 2.10.18 leaks the decrypted password of each connection through a proxy that has one.
// The program is separate from unit-kube, so that other leaks of the library are found there.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libcpprest.so\n";
}

namespace this_file {

using namespace pellicle;

namespace {

const Request kNodes{.path = "/api/v1/nodes"};

std::string refusal(const std::string& text) {
  try {
    (void)parse_proxy(text, "HTTPS_PROXY");
  } catch (const AccessError& error) {
    return error.what();
  }
  return "";
}

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
  };
}

std::string shown(const std::optional<Proxy>& proxy) {
  return proxy ? proxy->shown() : "none";
}

}  // namespace

TEST_CASE("a proxy is a URL, or a host with a port") {
  const auto full = parse_proxy("http://us%65r:p%40ss:w@proxy.example:3128/", "HTTPS_PROXY");
  CHECK(full == Proxy{"proxy.example", 3128, "user", "p@ss:w"});
  CHECK(full.shown() == "proxy.example:3128");
  CHECK(parse_proxy("HTTP://10.1.2.3", "x") == Proxy{"10.1.2.3", 80, "", ""});
  CHECK(parse_proxy("proxy:8080", "x") == Proxy{"proxy", 8080, "", ""});
  CHECK(parse_proxy("user@proxy", "x") == Proxy{"proxy", 80, "user", ""});
  CHECK(parse_proxy("http://[fd00::1]:3128", "x").shown() == "[fd00::1]:3128");

  CHECK(refusal("https://proxy:3128") ==
        "HTTPS_PROXY: expected a proxy that begins with http://; others are not supported");
  CHECK(refusal("socks5://proxy") ==
        "HTTPS_PROXY: expected a proxy that begins with http://; others are not supported");
  CHECK(refusal("http://proxy:0") == "HTTPS_PROXY: expected a proxy's port from 1 to 65535");
  CHECK(refusal("http://proxy:http") == "HTTPS_PROXY: expected a proxy's port from 1 to 65535");
  for (const char* none :
       {"http://", "http://user@", "http://a b", "http://proxy/path", "[fd00::1"}) {
    CAPTURE(none);
    CHECK(
        refusal(none) ==
        "HTTPS_PROXY: expected the name or address of a proxy, such as http://proxy.example:3128");
  }
  CHECK(refusal("http://user:s3cr%t@proxy").find("s3cr") == std::string::npos);
  CHECK(refusal("http://user:s3cr%t@proxy") != "");
}

// Like httpproxy of golang.org/x/net, which kubectl uses.
TEST_CASE("NO_PROXY names what goes past the proxy") {
  struct Row {
    const char* host;
    uint16_t port;
    const char* exceptions;
    bool excepted;
  };
  const Row rows[] = {
      {"10.96.0.1", 443, "", false},
      {"10.96.0.1", 443, "10.96.0.0/12", true},
      {"10.96.0.1", 443, "10.96.0.7/12", true},  // host bits are ignored
      {"10.96.0.1", 443, "10.97.0.0/16, 10.96.0.1", true},
      {"10.96.0.1", 443, "10.96.0.1:6443", false},
      {"10.96.0.1", 6443, "10.96.0.1:6443", true},
      {"10.96.0.10", 443, "10.96.0.1", false},
      {"fd00:96::1", 443, "fd00:96::/108", true},
      {"fd00:96::1", 443, "[fd00:96::1]:443", true},
      {"fd00:96::1", 443, "[fd00:96::1]:444", false},
      {"fd00:96::1", 443, "FD00:96:0::1", true},
      {"api.example", 443, "example", true},
      {"api.example", 443, ".example", true},
      {"api.example", 443, "*.example", true},
      {"example", 443, ".example", false},
      {"example", 443, "Example", true},
      {"api.notexample", 443, "example", false},
      {"api.example", 443, "api.example:443", true},
      {"api.example", 443, "a,,*", true},
      {"api.example", 443, "10.0.0.0/8,10.0.0.0/40", false},
      {"localhost", 443, "", true},
      {"127.8.8.8", 443, "", true},
      {"::1", 443, "", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.host, row.port, row.exceptions);
    CHECK(is_excepted(row.host, row.port, row.exceptions) == row.excepted);
  }
}

TEST_CASE("the environment names the proxy in capitals or in small letters") {
  const auto found = [](std::map<std::string, std::string> variables) {
    return shown(proxy_from(environment(std::move(variables)), "10.96.0.1", 443));
  };
  CHECK(found({}) == "none");
  CHECK(found({{"HTTP_PROXY", "http://a:1"}}) == "none");
  CHECK(found({{"https_proxy", "http://a:1"}}) == "a:1");
  CHECK(found({{"HTTPS_PROXY", "http://b:2"}, {"https_proxy", "http://a:1"}}) == "b:2");
  CHECK(found({{"HTTPS_PROXY", "http://b:2"}, {"no_proxy", "10.0.0.0/8"}}) == "none");
  CHECK(found({{"HTTPS_PROXY", "http://b:2"}, {"NO_PROXY", "fd00::/8"}, {"no_proxy", "*"}}) ==
        "b:2");
  CHECK(found({{"HTTPS_PROXY", "socks5://b:2"}, {"NO_PROXY", "*"}}) ==
        "none");  // the proxy is not used
}

TEST_CASE("a kubeconfig names the proxy of its cluster") {
  TemporaryDirectory directory;
  const auto file = directory.path() + "/config";
  const auto with = [&](const std::string& url) {
    std::ofstream(file) << "current-context: lab\n"
                           "contexts: [{name: lab, context: {cluster: kind, user: agent}}]\n"
                           "clusters: [{name: kind, cluster: {server: 'https://10.0.0.1:6443', "
                           "proxy-url: '" +
                               url + "'}}]\nusers: [{name: agent, user: {token: t}}]\n";
    return kubeconfig_access(file).proxy;
  };
  CHECK(shown(with("")) == "none");
  CHECK(shown(with("http://proxy:3128")) == "proxy:3128");
  CHECK_THROWS_WITH(with("socks5://proxy:3128"),
                    file +
                        ": cluster kind: proxy-url: expected a proxy that begins with http://; "
                        "others are not supported");
}

TEST_CASE("requests go through the proxy, and the server is verified") {
  ApiServer server;
  ConnectProxy proxy;
  auto access = server.access();
  access.proxy = proxy.proxy();
  access.proxy->user = "agent";
  access.proxy->password = "s3cret";
  ApiClient client(server.io, access);
  CHECK(server.ask(client, kNodes).status == 200);
  CHECK(server.ask(client, kNodes).status == 200);
  const auto heads = proxy.heads();
  REQUIRE(heads.size() == 1);  // the connection is reused
  CHECK(heads[0].starts_with("CONNECT " + server.api.url().substr(8) + " HTTP/1.1\r\n"));
  CHECK(heads[0].find("Proxy-Authorization: Basic YWdlbnQ6czNjcmV0") != std::string::npos);
  CHECK(heads[0].find("good") == std::string::npos);  // only the server gets the token

  access.ca.text = "";
  ApiClient other(server.io, access);
  const auto refused = server.ask(other, kNodes);
  CHECK(refused.status == 0);
  CAPTURE(refused.error);
  CHECK(refused.error.find("certificate") != std::string::npos);
}

TEST_CASE("a proxy that does not let through is named, and its password is not") {
  ApiServer server;
  auto access = server.access();
  const auto error = [&](const Proxy& proxy) {
    access.proxy = proxy;
    access.proxy->user = "agent";
    access.proxy->password = "s3cret";
    ApiClient client(server.io, access);
    return server.ask(client, kNodes).error;
  };
  ConnectProxy refusing("HTTP/1.1 407 Proxy Authentication Required");
  const auto through = [&](const Proxy& proxy) {
    return server.api.url() + " through proxy " + proxy.shown() + ": ";
  };
  CHECK(error(refusing.proxy()) ==
        through(refusing.proxy()) + "the proxy answers CONNECT with status 407");
  const Proxy nobody{.host = "127.0.0.1", .port = 1, .user = "", .password = ""};
  CHECK(error(nobody) == through(nobody) + "cannot connect to the proxy");
}

}  // namespace this_file
