// All that the plugin refuses before it asks the agent: one table, run through the built program.
// No agent listens, so an accepted case would end with code 11 or 50.
#include "tests/harness/catch.h"
#include "tests/unit/cni/runtime.h"

namespace this_file {

using namespace pellicle;

namespace {

struct Refusal {
  const char* name;
  Variables environment;
  Json network;
  int code;
  std::vector<std::string> words;  // "msg" contains all of them
};

Variables without(Variables variables, const std::vector<std::string>& names) {
  for (const auto& name : names) variables.erase(name);
  return variables;
}

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

Json missing(const Json& from, const char* name) {
  Json json = from;
  json.erase(name);
  return json;
}

const Json kPrevious = Json::parse(R"({
  "interfaces": [{"name": "lxc0123456789ab"}, {"name": "eth0", "sandbox": "/var/run/netns/cni-1"}],
  "ips": [{"address": "10.0.1.52/32", "interface": 1}]})");

Json checked(const char* changes) {
  Json previous = kPrevious;
  previous.update(Json::parse(changes));
  return network("1.0.0", {{"prevResult", previous}});
}

// The configuration's version if the plugin supports it, else the newest.
std::string expected_version(const Json& network) {
  for (const char* version : {"0.3.1", "0.4.0", "1.0.0"}) {
    if (network.contains("cniVersion") && network["cniVersion"] == version) return version;
  }
  return "1.1.0";
}

void check(const Runtime& runtime, const Refusal& refusal) {
  INFO(refusal.name);
  const auto run = runtime.run(refusal.environment, refusal.network);
  INFO(run.out);
  CHECK(run.status == 1);
  CHECK(run.err.empty());
  const auto error = run.json();
  CHECK(error.at("code").get<int>() == refusal.code);
  for (const auto& word : refusal.words) {
    INFO(word);
    CHECK(error.at("msg").get<std::string>().find(word) != std::string::npos);
  }
  CHECK(error.at("cniVersion").get<std::string>() == expected_version(refusal.network));
}

}  // namespace

TEST_CASE("cni: wrong variables are all named at once") {
  const Runtime runtime;
  const auto ours = network("1.0.0");
  const auto add = attachment("ADD");
  const std::vector<Refusal> table{
      {"no command", without(add, {"CNI_COMMAND"}), ours, 4, {"CNI_COMMAND", "VERSION"}},
      {"unknown command", with(add, "CNI_COMMAND", "UPDATE"), ours, 4, {"CNI_COMMAND", "UPDATE"}},
      {"lower case", with(add, "CNI_COMMAND", "add"), ours, 4, {"CNI_COMMAND", "'add'"}},
      {"ADD with nothing",
       {{"CNI_COMMAND", "ADD"}},
       ours,
       4,
       {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}},
      {"CHECK with nothing",
       {{"CNI_COMMAND", "CHECK"}},
       ours,
       4,
       {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}},
      {"DEL with nothing", {{"CNI_COMMAND", "DEL"}}, ours, 4, {"CNI_CONTAINERID", "CNI_IFNAME"}},
      {"empty is unset", with(add, "CNI_NETNS", ""), ours, 4, {"CNI_NETNS is not set"}},
      {"relative netns", with(add, "CNI_NETNS", "netns/a"), ours, 4, {"CNI_NETNS", "netns/a"}},
      {"container id begins", with(add, "CNI_CONTAINERID", "-a"), ours, 4, {"CNI_CONTAINERID"}},
      {"container id path", with(add, "CNI_CONTAINERID", "a/../b"), ours, 4, {"CNI_CONTAINERID"}},
      {"container id and interface",
       with(with(add, "CNI_CONTAINERID", "a b"), "CNI_IFNAME", "a b"),
       ours,
       4,
       {"CNI_CONTAINERID", "CNI_IFNAME"}},
      {"long interface", with(add, "CNI_IFNAME", "sixteen-letters-"), ours, 4, {"CNI_IFNAME"}},
      {"interface dot", with(add, "CNI_IFNAME", "."), ours, 4, {"CNI_IFNAME"}},
      {"interface dots", with(add, "CNI_IFNAME", ".."), ours, 4, {"CNI_IFNAME"}},
      {"interface slash", with(add, "CNI_IFNAME", "eth/0"), ours, 4, {"CNI_IFNAME"}},
      {"interface colon", with(add, "CNI_IFNAME", "eth0:1"), ours, 4, {"CNI_IFNAME"}},
      {"interface tab", with(add, "CNI_IFNAME", "eth\t0"), ours, 4, {"CNI_IFNAME"}},
      {"DEL of an odd id",
       with(attachment("DEL"), "CNI_CONTAINERID", "../../etc"),
       ours,
       4,
       {"CNI_CONTAINERID"}},
      {"arguments", with(add, "CNI_ARGS", "A=1;nonsense"), ours, 4, {"CNI_ARGS", "nonsense"}},
      {"no text", with(add, "CNI_ARGS", "K8S_POD_NAME=\xff"), ours, 4, {"CNI_ARGS", "UTF-8"}},
      {"no text as a path", with(add, "CNI_NETNS", "/\xff"), ours, 4, {"CNI_NETNS", "UTF-8"}},
      {"no text as a name", with(add, "CNI_IFNAME", "e\xff"), ours, 4, {"CNI_IFNAME", "UTF-8"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: versions that are not spoken are refused with those that are") {
  const Runtime runtime;
  const std::vector<std::string> all{"0.3.1", "0.4.0", "1.0.0", "1.1.0"};
  const Variables gc{{"CNI_COMMAND", "GC"}};
  const Variables status{{"CNI_COMMAND", "STATUS"}};
  const std::vector<Refusal> table{
      {"none", attachment("ADD"), missing(network(""), "cniVersion"), 1, all},
      {"0.1.0", attachment("ADD"), network("0.1.0"), 1, all},
      {"0.2.0", attachment("DEL"), network("0.2.0"), 1, all},
      {"0.3.0", attachment("ADD"), network("0.3.0"), 1, all},
      {"1.2.0", attachment("ADD"), network("1.2.0"), 1, all},
      {"no number", attachment("ADD"), network("newest"), 1, {"newest"}},
      {"CHECK is newer", attachment("CHECK"), network("0.3.1"), 1, {"CHECK", "0.4.0", "0.3.1"}},
      {"GC is newer", gc, network("1.0.0"), 1, {"GC", "1.1.0", "1.0.0"}},
      {"STATUS is newer", status, network("0.4.0"), 1, {"STATUS", "1.1.0", "0.4.0"}},
      {"version of another type",
       attachment("ADD"),
       network("", {{"cniVersion", 1}}),
       6,
       {"cniVersion"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: fields that are missing or wrong are named") {
  const Runtime runtime;
  const auto add = attachment("ADD");
  const auto runtime_config = [](const char* json) {
    return network("1.0.0", {{"runtimeConfig", Json::parse(json)}});
  };
  const std::vector<Refusal> table{
      {"no name", add, missing(network("1.0.0"), "name"), 7, {"name"}},
      {"empty name", add, network("1.0.0", {{"name", ""}}), 7, {"name"}},
      {"name begins", add, network("1.0.0", {{"name", ".pods"}}), 7, {"name"}},
      {"name with a slash", attachment("DEL"), network("0.4.0", {{"name", "a/b"}}), 7, {"name"}},
      {"name of a type", add, network("1.0.0", {{"name", 7}}), 7, {"name"}},
      {"no type", add, missing(network("0.3.1"), "type"), 7, {"type"}},
      {"empty type", add, network("1.0.0", {{"type", ""}}), 7, {"type"}},
      {"type with a slash", add, network("1.0.0", {{"type", "/bin/sh"}}), 7, {"type"}},
      {"not the first",
       add,
       network("1.0.0", {{"prevResult", Json::object()}}),
       7,
       {"prevResult", "first"}},
      {"ipam",
       add,
       network("1.0.0", {{"ipam", {{"type", "host-local"}}}}),
       2,
       {"ipam", R"({"type":"host-local"})"}},
      {"ipam at CHECK",
       attachment("CHECK"),
       network("1.0.0", {{"ipam", "dhcp"}}),
       2,
       {"ipam", "dhcp"}},
      {"runtimeConfig", add, runtime_config("[]"), 7, {"runtimeConfig"}},
      {"ips", add, runtime_config(R"({"ips": "10.0.1.52"})"), 7, {"runtimeConfig.ips"}},
      {"no ip", add, runtime_config(R"({"ips": ["10.0.1.520"]})"), 7, {"10.0.1.520"}},
      {"prefix", add, runtime_config(R"({"ips": ["10.0.1.52/33"]})"), 7, {"10.0.1.52/33"}},
      {"empty prefix", add, runtime_config(R"({"ips": ["fd00::52/"]})"), 7, {"fd00::52/"}},
      {"bandwidth", add, runtime_config(R"({"bandwidth": 1})"), 7, {"runtimeConfig.bandwidth"}},
      {"rate", add, runtime_config(R"({"bandwidth": {"egressRate": "1M"}})"), 7, {"egressRate"}},
      {"dns", add, network("1.0.0", {{"dns", 8}}), 7, {"dns"}},
      {"servers",
       add,
       network("1.0.0", {{"dns", {{"nameservers", "8.8.8.8"}}}}),
       7,
       {"dns.nameservers"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: CHECK needs a result that has the pod's addresses") {
  const Runtime runtime;
  const auto verb = attachment("CHECK");
  const std::vector<Refusal> table{
      {"no result", verb, network("1.0.0"), 7, {"prevResult"}},
      {"no object", verb, network("0.4.0", {{"prevResult", "yes"}}), 7, {"prevResult"}},
      {"nothing in it", verb, network("1.0.0", {{"prevResult", Json::object()}}), 7, {"eth0"}},
      {"no lists", verb, checked(R"({"interfaces": 1, "ips": 1})"), 7, {"lists", "ips"}},
      {"null lists", verb, checked(R"({"interfaces": null, "ips": null})"), 7, {"eth0"}},
      {"another interface",
       verb,
       checked(R"({"interfaces": [{}, {"name": "net1"}]})"),
       7,
       {"eth0"}},
      {"not in a sandbox", verb, checked(R"({"interfaces": [{}, {"name": "eth0"}]})"), 7, {"eth0"}},
      {"no address", verb, checked(R"({"ips": []})"), 7, {"eth0"}},
      {"index too high",
       verb,
       checked(R"({"ips": [{"address": "10.0.1.52/32", "interface": 2}]})"),
       7,
       {"eth0"}},
      {"negative index",
       verb,
       checked(R"({"ips": [{"address": "10.0.1.52/32", "interface": -1}]})"),
       7,
       {"eth0"}},
      {"wrong address",
       verb,
       checked(R"({"ips": [{"address": "52", "interface": 1}]})"),
       7,
       {"prevResult.ips", "52"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: a network namespace that cannot be opened is named, and no agent is asked") {
  const Runtime runtime;
  const auto add = attachment("ADD");
  const auto check_verb = with(attachment("CHECK"), "CNI_NETNS", "/var/run/netns/gone");
  const std::vector<Refusal> table{
      {"gone",
       with(add, "CNI_NETNS", "/var/run/netns/gone"),
       network("1.0.0"),
       3,
       {"network namespace /var/run/netns/gone: No such file or directory"}},
      {"gone at CHECK",
       check_verb,
       network("1.0.0", {{"prevResult", kPrevious}}),
       3,
       {"/var/run/netns/gone: No such file"}},
      {"below a file",
       with(add, "CNI_NETNS", "/proc/self/comm/net"),
       network("1.0.0"),
       5,
       {"/proc/self/comm/net: Not a directory"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: GC without a list of what to keep is no GC of everything") {
  const Runtime runtime;
  const Variables verb{{"CNI_COMMAND", "GC"}};
  const auto with_list = [](const Json& list) {
    return network("1.1.0", {{"cni.dev/valid-attachments", list}});
  };
  const std::vector<Refusal> table{
      {"no list", verb, network("1.1.0"), 7, {"cni.dev/valid-attachments"}},
      {"object", verb, with_list(Json::object()), 7, {"cni.dev/valid-attachments"}},
      {"texts", verb, with_list({"c0ffee"}), 7, {"containerID", "c0ffee"}},
      {"half", verb, with_list({{{"containerID", "c0ffee"}}}), 7, {"ifname"}},
  };
  for (const auto& refusal : table) check(runtime, refusal);
}

TEST_CASE("cni: a socket is an absolute path that fits") {
  const Runtime runtime;
  const std::vector<Json> wrong{
      "agent.sock", "", 7, "/run/", "/" + std::string(107, 'a'), std::string("/run/a\0b", 8)};
  for (const auto& socket : wrong) {
    const auto run = runtime.run(attachment("ADD"), network("1.0.0", {{"socket", socket}}).dump());
    INFO(run.out);
    CHECK(run.status == 1);
    CHECK(run.json().at("code") == 7);
    CHECK(run.json().at("msg").get<std::string>().find("socket") != std::string::npos);
  }
}

TEST_CASE("cni: what is no network configuration cannot be decoded") {
  const Runtime runtime;
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "empty"},
      {" \n", "empty"},
      {"{\"cniVersion\": ", "JSON"},
      {"{\"name\": \"\xff\"}", "JSON"},
      {"[]", "object"},
      {"\"ADD\"", "object"},
      {R"({"ipam": )" + deep + "}", "32 levels"},
      {network("1.0.0", {{"args", std::string(1 << 20, 'a')}}).dump(), "1 MiB"},
  };
  for (const auto& [input, word] : table) {
    const auto run = runtime.run(attachment("ADD"), input);
    INFO(run.out);
    CHECK(run.status == 1);
    CHECK(run.err.empty());
    CHECK(run.json().at("code") == 6);
    CHECK(run.json().at("cniVersion") == "1.1.0");
    CHECK(run.json().at("msg").get<std::string>().find(word) != std::string::npos);
  }
}

}  // namespace this_file
