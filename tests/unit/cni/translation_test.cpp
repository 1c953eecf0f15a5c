// The pure functions: they need no process and no agent.
#include <unistd.h>

#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/unit/cni/runtime.h"
#include "tools/cni/agent.h"
#include "tools/cni/failure.h"
#include "tools/cni/request.h"
#include "tools/cni/result.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

cni::Environment environment(const std::string& command) {
  return {.command = command,
          .container_id = "c0ffee",
          .netns = "/var/run/netns/cni-1",
          .ifname = "eth0",
          .args = ""};
}

std::string name_for(const std::string& args) {
  auto with_args = environment("ADD");
  with_args.args = args;
  return cni::pod_name(with_args);
}

bool shaped(const char* runtime_config) {
  const auto input = network("1.0.0", {{"runtimeConfig", Json::parse(runtime_config)}}).dump();
  return cni::request(environment("ADD"), input).params.at("egressShaped").get<bool>();
}

NoAnswer::Why silence(const std::string& socket, std::chrono::milliseconds limit) {
  try {
    cni::ask(socket, "pod-ready", Json::object(), limit);
  } catch (const NoAnswer& none) {
    return none.why();
  }
  throw std::runtime_error("there was an answer");
}

}  // namespace

TEST_CASE("cni: a pod is called by its Kubernetes name, or by its container's id") {
  CHECK(name_for("") == "c0ffee");
  CHECK(name_for("IgnoreUnknown=1") == "c0ffee");
  CHECK(name_for("K8S_POD_NAMESPACE=default") == "c0ffee");
  CHECK(name_for("K8S_POD_NAME=net") == "net");
  CHECK(name_for("K8S_POD_NAME=net;K8S_POD_NAMESPACE=default") == "default/net");
  CHECK(name_for("K8S_POD_NAMESPACE=default;;K8S_POD_NAME=net;") == "default/net");
  CHECK(name_for("UNKNOWN=a=b;K8S_POD_NAMESPACE=;K8S_POD_NAME=net") == "net");
  CHECK_THROWS_AS(name_for("=net"), cni::Failure);
}

TEST_CASE("cni: egress is shaped when a rate says so") {
  CHECK_FALSE(shaped("{}"));
  CHECK_FALSE(shaped("null"));
  CHECK_FALSE(shaped(R"({"bandwidth": null})"));
  CHECK_FALSE(shaped(R"({"bandwidth": {"ingressRate": 1000, "ingressBurst": 1000}})"));
  CHECK_FALSE(shaped(R"({"bandwidth": {"egressRate": 0, "egressBurst": 1000}})"));
  CHECK(shaped(R"({"bandwidth": {"egressRate": 1, "egressBurst": 1000}})"));
}

TEST_CASE("cni: the annotation of what else a pod may send from is handed on as it is") {
  const auto params = [](const char* runtime_config) {
    const auto input = network("1.0.0", {{"runtimeConfig", Json::parse(runtime_config)}}).dump();
    return cni::request(environment("ADD"), input).params;
  };
  const auto annotated = params(R"({"io.kubernetes.cri.pod-annotations":
      {"pellicle.io/allowed-addresses": "10.9.0.7, 10.8.0.0/16", "other": "x"}})");
  CHECK(annotated.at("allowedAddresses") == "10.9.0.7, 10.8.0.0/16");
  for (const char* none :
       {"{}", "null", R"({"io.kubernetes.cri.pod-annotations": null})",
        R"({"io.kubernetes.cri.pod-annotations": {"pellicle.io/allowed-addresses": ""}})"}) {
    CAPTURE(none);
    CHECK_FALSE(params(none).contains("allowedAddresses"));
  }
  CHECK_THROWS_AS(params(R"({"io.kubernetes.cri.pod-annotations":
      {"pellicle.io/allowed-addresses": 1}})"),
                  cni::Failure);
}

// A nil slice, map or pointer is null in Go's JSON.
TEST_CASE("cni: null in any field of a configuration is the field left out") {
  const auto asked = [](const std::string& verb, const Json& more) {
    const auto request = cni::request(environment(verb), network("1.1.0", more).dump());
    return Json{{"params", request.params},
                {"dns", request.dns},
                {"socket", request.socket},
                {"wait", request.wait.count()},
                {"grace", request.grace.count()}};
  };
  const auto previous = Json::parse(R"({"prevResult": {
      "interfaces": [{"name": "eth0", "sandbox": "/x"}, {"name": "eth0"}],
      "ips": [{"address": "10.0.1.52/32", "interface": 0}]}})");
  struct Case {
    const char* verb;
    Json with;     // null
    Json without;  // the field
  };
  const auto nothing = Json::object();
  const Json keep_nothing{{"cni.dev/valid-attachments", Json::array()}};
  std::vector<Case> table;
  for (const char* field : {"socket", "statusGraceSeconds", "dns", "ipam", "args", "runtimeConfig",
                            "capabilities", "cniVersions"}) {
    for (const char* verb : {"ADD", "DEL", "STATUS"})
      table.push_back({verb, {{field, nullptr}}, nothing});
    auto of_check = previous;
    of_check[field] = nullptr;
    table.push_back({"CHECK", of_check, previous});
    auto of_gc = keep_nothing;
    of_gc[field] = nullptr;
    table.push_back({"GC", of_gc, keep_nothing});
  }
  for (const char* verb : {"ADD", "DEL"})
    table.push_back({verb, {{"prevResult", nullptr}}, nothing});
  for (const char* field :
       {"ips", "bandwidth", "portMappings", "io.kubernetes.cri.pod-annotations"})
    table.push_back({"ADD", {{"runtimeConfig", {{field, nullptr}}}}, nothing});
  for (const char* field : {"ingressRate", "ingressBurst", "egressRate", "egressBurst"})
    table.push_back({"ADD", {{"runtimeConfig", {{"bandwidth", {{field, nullptr}}}}}}, nothing});
  for (const char* field : {"nameservers", "search", "options", "domain"})
    table.push_back({"ADD", {{"dns", {{field, nullptr}}}}, nothing});
  table.push_back({"ADD", Json::parse(R"({"runtimeConfig": {"io.kubernetes.cri.pod-annotations":
      {"pellicle.io/allowed-addresses": null}}})"),
                   nothing});
  table.push_back({"GC", {{"cni.dev/valid-attachments", nullptr}}, keep_nothing});
  table.push_back({"GC", {{"cni.dev/attachments", nullptr}}, keep_nothing});
  for (const char* pointer : {"/prevResult/routes", "/prevResult/dns",
                              "/prevResult/interfaces/1/name", "/prevResult/interfaces/1/sandbox",
                              "/prevResult/interfaces/1/mac", "/prevResult/ips/0/gateway"}) {
    auto of_check = previous;
    of_check[Json::json_pointer(pointer)] = nullptr;
    table.push_back({"CHECK", of_check, previous});
  }
  for (const auto& each : table) {
    CAPTURE(each.verb, each.with.dump());
    CHECK(asked(each.verb, each.with) == asked(each.verb, each.without));
  }
  CHECK(asked("ADD", {{"addWaitSeconds", nullptr}}).at("wait") == 20);  // network() has another
}

TEST_CASE("cni: the socket is the configuration's, else the agent's own") {
  const auto socket = [](const Json& more) {
    return cni::request(environment("DEL"), network("1.0.0", more).dump()).socket;
  };
  CHECK(socket(Json::object()) == "/var/run/pellicle/agent.sock");
  CHECK(socket({{"socket", nullptr}}) == "/var/run/pellicle/agent.sock");
  CHECK(socket({{"socket", "/run/other.sock"}}) == "/run/other.sock");
  const std::string longest = "/" + std::string(106, 'a');
  CHECK(socket({{"socket", longest}}) == longest);
}

TEST_CASE("cni: names that the specification allows are taken") {
  for (const char* name : {"a", "9", "k8s-pod-network", "a_b.c-d", "A..", "cbr0"}) {
    CHECK(cni::is_identifier(name));
  }
  auto given = environment("DEL");
  for (const char* name : {"e", "fifteen-letters", "...", "eth0.1", "a@b", "-", "\xc3\xa4"}) {
    given.ifname = name;
    CHECK(cni::request(given, network("1.0.0").dump()).params.at("id").get<std::string>() ==
          std::string("c0ffee:") + name);
  }
}

TEST_CASE("cni: an error has details only when there are any") {
  CHECK(cni::error_object("0.4.0", {7, "a sentence"}).dump() ==
        R"({"cniVersion":"0.4.0","code":7,"msg":"a sentence"})");
  CHECK(cni::error_object("1.0.0", {11, "a sentence", "more"}).dump() ==
        R"({"cniVersion":"1.0.0","code":11,"details":"more","msg":"a sentence"})");
}

TEST_CASE("cni: errors are written in the configuration's version when we speak it") {
  CHECK(cni::version_for_errors(R"({"cniVersion": "0.3.1"})") == "0.3.1");
  CHECK(cni::version_for_errors(R"({"cniVersion": "0.2.0"})") == "1.1.0");
  CHECK(cni::version_for_errors(R"({"cniVersion": 1})") == "1.1.0");
  CHECK(cni::version_for_errors("") == "1.1.0");
}

TEST_CASE("cni: an agent that does not answer is waited for as long as allowed") {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/agent.sock";
  CHECK(silence(path, 50ms) == NoAnswer::Why::absent);
  const int listener = listening_socket(path, 0);
  CHECK(silence(path, 50ms) == NoAnswer::Why::late);
  // With a full backlog, as of a stopped agent, even connect() blocks.
  std::vector<int> waiting;
  while (waiting.size() < 100) {
    const int fd = connected_socket(path);
    if (fd < 0) break;
    waiting.push_back(fd);
  }
  REQUIRE(waiting.size() < 100);
  CHECK(silence(path, 50ms) == NoAnswer::Why::late);
  for (const int fd : waiting) ::close(fd);
  ::close(listener);
  CHECK(silence(path, 50ms) == NoAnswer::Why::absent);
}

TEST_CASE("cni: an answer may come in pieces and be long") {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/agent.sock";
  const Json pods{{"pods", std::string(1'000'000, 'a')}};
  const FakeAgent agent(path, {result_line(pods.dump())});
  CHECK(cni::ask(path, "pod-list", Json::object(), 30s).dump() == pods.dump());
}

}  // namespace this_file
