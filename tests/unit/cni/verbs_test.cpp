// What each verb asks the agent, and its answer to the runtime, through the built program.
#include <unistd.h>

#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/unit/cni/runtime.h"

namespace this_file {

using namespace pellicle;

namespace {

std::string only_request(const FakeAgent& agent) {
  const auto requests = agent.requests();
  REQUIRE(requests.size() == 1);
  return Json::parse(requests.front()).dump();
}

std::string canonical(const char* json) {
  return Json::parse(json).dump();
}

}  // namespace

TEST_CASE("cni: ADD asks for a pod and describes it in every version") {
  const auto expected = GENERATE(std::pair("0.3.1", R"({
      "cniVersion": "0.3.1",
      "interfaces": [{"name": "lxc0123456789ab", "mac": "06:00:00:00:00:01"},
                     {"name": "eth0", "mac": "06:00:00:00:00:02",
                      "sandbox": "/proc/self/ns/net"}],
      "ips": [{"version": "4", "interface": 1, "address": "10.0.1.52/32",
               "gateway": "10.0.1.138"},
              {"version": "6", "interface": 1, "address": "fd00::52/128",
               "gateway": "fd00::138"}],
      "routes": [{"dst": "10.0.1.138/32"}, {"dst": "0.0.0.0/0", "gw": "10.0.1.138"},
                 {"dst": "fd00::138/128"}, {"dst": "::/0", "gw": "fd00::138"}],
      "dns": {}})"),
                                 std::pair("0.4.0", R"({
      "cniVersion": "0.4.0",
      "interfaces": [{"name": "lxc0123456789ab", "mac": "06:00:00:00:00:01"},
                     {"name": "eth0", "mac": "06:00:00:00:00:02",
                      "sandbox": "/proc/self/ns/net"}],
      "ips": [{"version": "4", "interface": 1, "address": "10.0.1.52/32",
               "gateway": "10.0.1.138"},
              {"version": "6", "interface": 1, "address": "fd00::52/128",
               "gateway": "fd00::138"}],
      "routes": [{"dst": "10.0.1.138/32"}, {"dst": "0.0.0.0/0", "gw": "10.0.1.138"},
                 {"dst": "fd00::138/128"}, {"dst": "::/0", "gw": "fd00::138"}],
      "dns": {}})"),
                                 std::pair("1.0.0", R"({
      "cniVersion": "1.0.0",
      "interfaces": [{"name": "lxc0123456789ab", "mac": "06:00:00:00:00:01"},
                     {"name": "eth0", "mac": "06:00:00:00:00:02",
                      "sandbox": "/proc/self/ns/net"}],
      "ips": [{"interface": 1, "address": "10.0.1.52/32", "gateway": "10.0.1.138"},
              {"interface": 1, "address": "fd00::52/128", "gateway": "fd00::138"}],
      "routes": [{"dst": "10.0.1.138/32"}, {"dst": "0.0.0.0/0", "gw": "10.0.1.138"},
                 {"dst": "fd00::138/128"}, {"dst": "::/0", "gw": "fd00::138"}],
      "dns": {}})"),
                                 std::pair("1.1.0", R"({
      "cniVersion": "1.1.0",
      "interfaces": [{"name": "lxc0123456789ab", "mac": "06:00:00:00:00:01", "mtu": 1500},
                     {"name": "eth0", "mac": "06:00:00:00:00:02", "mtu": 1500,
                      "sandbox": "/proc/self/ns/net"}],
      "ips": [{"interface": 1, "address": "10.0.1.52/32", "gateway": "10.0.1.138"},
              {"interface": 1, "address": "fd00::52/128", "gateway": "fd00::138"}],
      "routes": [{"dst": "10.0.1.138/32", "scope": 253},
                 {"dst": "0.0.0.0/0", "gw": "10.0.1.138", "mtu": 1426},
                 {"dst": "fd00::138/128", "scope": 253},
                 {"dst": "::/0", "gw": "fd00::138", "mtu": 1426}],
      "dns": {}})"));
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line(kDualStackPod)});
  const auto run = runtime.run(attachment("ADD"), network(expected.first));
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(run.err.empty());
  CHECK(run.json().dump() == canonical(expected.second));
  CHECK(only_request(agent) == canonical(R"({
      "method": "pod-add",
      "params": {"id": "c0ffee:eth0", "name": "default/net", "netns": "/proc/self/ns/net", "netnsPassed": true,
                 "ifname": "eth0", "network": "pellicle", "egressShaped": false}})"));
}

TEST_CASE(
    "cni: ADD and CHECK hand over the pod's namespace, and no other verb hands over anything") {
  const Runtime runtime;
  const auto mine = std::filesystem::read_symlink("/proc/self/ns/net").string();
  const auto handed_over = [&](const Variables& environment, const Json& network) {
    const FakeAgent agent(runtime.socket(), {result_line(kPod)}, FakeAgent::Takes::descriptors);
    const auto run = runtime.run(environment, network);
    INFO(run.out);
    CHECK(run.status == 0);
    REQUIRE(agent.passed().size() == 1);
    return agent.passed().front();
  };
  const auto previous = Json::parse(R"({"interfaces": [{"name": "eth0", "sandbox": "/x"}],
                                        "ips": [{"address": "10.0.1.52/32", "interface": 0}]})");
  CHECK(handed_over(attachment("ADD"), network("1.0.0")) == mine);
  CHECK(handed_over(attachment("CHECK"), network("1.0.0", {{"prevResult", previous}})) == mine);
  CHECK(handed_over(attachment("DEL"), network("1.0.0")).empty());
  CHECK(handed_over({{"CNI_COMMAND", "STATUS"}}, network("1.1.0")).empty());
}

TEST_CASE("cni: ADD that is asked again hands the namespace over again") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {error_line(11, "first pass"), result_line(kPod)},
                        FakeAgent::Takes::descriptors);
  const auto run = runtime.run(attachment("ADD"), network("1.0.0", {{"addWaitSeconds", 30}}));
  INFO(run.out);
  CHECK(run.status == 0);
  const auto mine = std::filesystem::read_symlink("/proc/self/ns/net").string();
  CHECK(agent.passed() == std::vector<std::string>{mine, mine});
}

TEST_CASE("cni: ADD hands on what the runtime asks for") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line(kPod)});
  auto environment = attachment("ADD");
  environment["CNI_ARGS"] = "";
  environment["CNI_IFNAME"] = "net1";
  const auto run = runtime.run(environment, network("1.0.0", Json::parse(R"({
        "ipam": {}, "dns": {"nameservers": ["10.96.0.10"], "search": ["svc"]},
        "runtimeConfig": {"ips": ["10.0.1.52/24", "fd00::52"], "portMappings": [],
                          "bandwidth": {"ingressRate": 1000, "egressRate": 2000}},
        "args": {"cni": {"labels": []}}, "capabilities": {"ips": true}})")));
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(run.json().at("interfaces").at(1).at("name") == "net1");
  CHECK(run.json().at("dns").dump() == R"({"nameservers":["10.96.0.10"],"search":["svc"]})");
  CHECK(only_request(agent) == canonical(R"({
      "method": "pod-add",
      "params": {"id": "c0ffee:net1", "name": "c0ffee", "netns": "/proc/self/ns/net", "netnsPassed": true,
                 "ifname": "net1", "network": "pellicle", "egressShaped": true,
                 "addresses": ["10.0.1.52", "fd00::52"]}})"));
}

TEST_CASE("cni: the agent's refusal is the runtime's error, with its code") {
  const auto verb = GENERATE("ADD", "CHECK", "DEL");
  const auto code = GENERATE(std::pair(3, 3), std::pair(7, 7), std::pair(11, 11),
                             std::pair(100, 100), std::pair(101, 101), std::pair(102, 102),
                             std::pair(999, 999), std::pair(4, 11), std::pair(0, 11));
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {error_line(code.first, "a reason")});
  const auto previous = Json::parse(R"({"interfaces": [{"name": "eth0", "sandbox": "/x"}],
                                        "ips": [{"address": "10.0.1.52/32", "interface": 0}]})");
  const bool is_add = std::string(verb) == "ADD";
  const auto run =
      runtime.run(attachment(verb),
                  is_add ? network("1.0.0") : network("1.0.0", Json{{"prevResult", previous}}));
  check_error(run, code.second, "a reason");
  CHECK(access(runtime.deletions().c_str(), F_OK) != 0);
}

TEST_CASE("cni: CHECK tells the agent which addresses the runtime believes in") {
  const auto version = GENERATE("0.4.0", "1.0.0", "1.1.0");
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line("{}")});
  const auto run = runtime.run(attachment("CHECK"), network(version, Json::parse(R"({"prevResult": {
      "cniVersion": "0.4.0",
      "interfaces": [{"name": "lxc0123456789ab"}, {"name": "eth0", "sandbox": "/var/run/netns/1"},
                     {"name": "net1", "sandbox": "/var/run/netns/1"}, {"name": "eth0"}],
      "ips": [{"version": "4", "address": "10.0.1.52/32", "interface": 1},
              {"version": "4", "address": "10.9.9.9/32", "interface": 2},
              {"version": "4", "address": "10.9.9.8/32", "interface": 3},
              {"version": "4", "address": "10.9.9.7/32"},
              {"version": "6", "address": "fd00::52/128", "interface": 1}]}})")));
  check_silent_success(run);
  CHECK(only_request(agent) == canonical(R"({
      "method": "pod-check",
      "params": {"id": "c0ffee:eth0", "netns": "/proc/self/ns/net", "netnsPassed": true, "ifname": "eth0",
                 "addresses": ["10.0.1.52", "fd00::52"]}})"));
}

TEST_CASE("cni: GC names what to keep, under either name") {
  const auto field = GENERATE("cni.dev/valid-attachments", "cni.dev/attachments");
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line(R"({"removed": ["gone:eth0"]})")});
  const auto list = Json::parse(R"([{"containerID": "c0ffee", "ifname": "eth0"},
                                    {"containerID": "c0ffee", "ifname": "net1"}])");
  check_silent_success(runtime.run({{"CNI_COMMAND", "GC"}}, network("1.1.0", Json{{field, list}})));
  CHECK(only_request(agent) == canonical(R"({
      "method": "pod-gc",
      "params": {"network": "pellicle", "valid": ["c0ffee:eth0", "c0ffee:net1"]}})"));
}

TEST_CASE("cni: GC with an empty list keeps nothing") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line(R"({"removed": []})")});
  const auto nothing = network(
      "1.1.0", {{"cni.dev/valid-attachments", Json::array()},
                {"cni.dev/attachments", Json::parse(R"([{"containerID": "a", "ifname": "b"}])")}});
  check_silent_success(runtime.run({{"CNI_COMMAND", "GC"}}, nothing));
  CHECK(only_request(agent) ==
        canonical(R"({"method": "pod-gc", "params": {"network": "pellicle", "valid": []}})"));
}

TEST_CASE("cni: GC with null keeps nothing: so a runtime in Go writes an empty list") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line(R"({"removed": []})")});
  const auto fields = GENERATE(
      Json{{"cni.dev/valid-attachments", nullptr}}, Json{{"cni.dev/attachments", nullptr}},
      Json{{"cni.dev/valid-attachments", nullptr}, {"cni.dev/attachments", nullptr}},
      Json{{"cni.dev/valid-attachments", nullptr}, {"cni.dev/attachments", Json::array()}});
  check_silent_success(runtime.run({{"CNI_COMMAND", "GC"}}, network("1.1.0", fields)));
  CHECK(only_request(agent) ==
        canonical(R"({"method": "pod-gc", "params": {"network": "pellicle", "valid": []}})"));
}

TEST_CASE("cni: STATUS succeeds when pods can be added") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {result_line("{}")});
  check_silent_success(runtime.run({{"CNI_COMMAND", "STATUS"}}, network("1.1.0")));
  CHECK(only_request(agent) == canonical(R"({"method": "pod-ready", "params": {}})"));
}

TEST_CASE("cni: STATUS says with code 50 why pods cannot be added") {
  const Runtime runtime;
  const Variables status{{"CNI_COMMAND", "STATUS"}};
  check_error(runtime.run(status, network("1.1.0")), 50, runtime.socket());
  {
    const FakeAgent agent(runtime.socket(), {error_line(11, "no key yet")});
    check_error(runtime.run(status, network("1.1.0")), 50, "no key yet");
  }
  const FakeAgent agent(runtime.socket(), {"nonsense\n"});
  check_error(runtime.run(status, network("1.1.0")), 50, "none of an agent's");
}

TEST_CASE("cni: VERSION echoes the version and lists what is spoken, with nobody there") {
  const Runtime runtime;
  const auto said = [&runtime](const std::string& input) {
    const auto run = runtime.run({{"CNI_COMMAND", "VERSION"}}, input);
    INFO(run.out);
    CHECK(run.status == 0);
    CHECK(run.err.empty());
    CHECK(run.json().at("supportedVersions").dump() == R"(["0.3.1","0.4.0","1.0.0","1.1.0"])");
    return run.json().at("cniVersion").get<std::string>();
  };
  CHECK(said("") == "1.1.0");
  CHECK(said("{}") == "1.1.0");
  CHECK(said(R"({"cniVersion": "0.4.0"})") == "0.4.0");
  CHECK(said(R"({"cniVersion": "9.9.9", "name": 7})") == "9.9.9");
  const auto wrong = runtime.run({{"CNI_COMMAND", "VERSION"}}, std::string("{"));
  check_error(wrong, 6, "JSON");
}

TEST_CASE("cni: an agent that is not there, dies or babbles is one to try again later") {
  const auto answer =
      GENERATE(std::string(), std::string(R"({"result": {}})"), std::string("\n"),
               std::string("[]\n"), std::string("{}\n"), std::string("{\"result\"\n"),
               std::string(1'100'000, ' ') + result_line(kPod),
               std::string(R"({"result": {"device": "lxc0"}})") + "\n",
               std::string(R"({"result": {"addresses": [{"address": "10.0.1.52"}]}})") + "\n");
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {answer});
  check_error(runtime.run(attachment("ADD"), network("1.0.0")), 11, "Pellicle agent");
  CHECK(agent.requests().size() == 1);
}

TEST_CASE("cni: ADD, CHECK and GC without an agent are to be tried again later") {
  const Runtime runtime;
  const auto socket = runtime.socket();
  check_error(runtime.run(attachment("ADD"), network("0.3.1")), 11, socket);
  const auto keep_nothing = network("1.1.0", {{"cni.dev/valid-attachments", Json::array()}});
  check_error(runtime.run({{"CNI_COMMAND", "GC"}}, keep_nothing), 11, socket);
  const auto previous = Json::parse(R"({"interfaces": [{"name": "eth0", "sandbox": "/x"}],
                                        "ips": [{"address": "10.0.1.52/32", "interface": 0}]})");
  check_error(runtime.run(attachment("CHECK"), network("1.0.0", Json{{"prevResult", previous}})),
              11, socket);
  CHECK(access(runtime.deletions().c_str(), F_OK) != 0);
}

TEST_CASE("cni: a reason with odd bytes is still one JSON document") {
  const Runtime runtime;
  auto environment = attachment("ADD");
  environment["CNI_CONTAINERID"] = "\xff\"\n";
  check_error(runtime.run(environment, network("1.0.0")), 4, "CNI_CONTAINERID");
}

}  // namespace this_file
