// `pellicle preflight` on a node that is well, and on one with faults that it names. The screens
// are in tests/datapath/told, and are written to be read.
#include <filesystem>
#include <regex>
#include <sstream>

#include "tests/harness/catch.h"
#include "tests/harness/lab/told.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";
constexpr const char* kForbidding = "/etc/modprobe.d/zz-esp.conf";

Result preflight(Lab& lab, const std::string& more = "") {
  return lab.agent("worker").ctl("preflight --config /run/lab/worker/agent.conf " + more);
}

// What is of this kernel, this moment or this run.
std::string without_chance(std::string text) {
  static const std::pair<std::regex, const char*> kChance[] = {
      {std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC"), "<time>"},
      {std::regex(must("uname -r | tr -d '\n'")), "<release>"},
      {std::regex("\\n  [a-z]+ +(CVE-[0-9-]+|tcx) +[^\n]*(\n {20,}[^\n]*)*"),
       "\n  <ok?>    $1: <of the kernel>"},
      {std::regex("(have a fix:)(.|\\n)*?->"), "$1 <of the kernel>\n ->"},
      {std::regex("[0-9]+ ok, [0-9]+ unknown"), "<n> ok, <n> unknown"},
      {std::regex("pid [0-9]+"), "pid <n>"},
      {std::regex("[0-9]+ rules"), "<n> rules"}};
  for (const auto& [chance, word] : kChance) text = std::regex_replace(text, chance, word);
  return text;
}

bool is_as_checked_in(Lab& lab, const std::string& name) {
  return lab::is_as_checked_in(lab, name, [&] {
    const Result result = preflight(lab);
    std::istringstream lines(result.output);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
    return without_chance("$ pellicle preflight; echo $?\n" + result.output +
                          std::to_string(result.status) + "\n");
  });
}

std::string modules() {
  return must("cut -d ' ' -f 1 /proc/modules | sort");
}

Json finding(const Json& preflight, const std::string& what) {
  for (const auto& each : preflight["findings"]) {
    if (each["what"].get<std::string>().starts_with(what)) return each;
  }
  throw LabError("preflight says nothing of " + what);
}

}  // namespace

TEST_CASE("preflight: a node that is well is said to be, and nothing on it is changed") {
  Lab lab({.agent_config = "cluster-health-interval = 2\n"});
  lab.start_agents();
  CHECK(is_as_checked_in(lab, "preflight-healthy"));
  const auto json = Json::parse(preflight(lab, "-o json").output);
  CHECK(json["counts"]["fail"] == 0);
  for (const auto& each : json["findings"]) {
    CAPTURE(each.dump());
    CHECK((each["verdict"] == "ok" || !each["remedy"].get<std::string>().empty()));
  }

  // Where no agent has been, too: what can be loaded stays to be loaded.
  auto& agent = lab.agent("worker");
  for (const char* node : {"worker", "worker2", "control-plane"}) {
    lab.agent(node).stop();
    REQUIRE(lab.agent(node).cleanup().ok());
  }
  must("rmmod esp4");
  const auto loaded = modules();
  const auto programs = must("bpftool prog list; bpftool map list");
  const auto picture = kernel_picture("worker").text();
  const Result fresh = preflight(lab, "-o json");
  CHECK(fresh.status == 0);
  const auto found = Json::parse(fresh.output);
  CHECK(finding(found, "module esp4")["found"] == "loadable");
  CHECK(finding(found, "TCP 4240")["found"] == "free");
  CHECK(finding(found, "programs")["verdict"] == "ok");
  CHECK(modules() == loaded);
  CHECK(must("bpftool prog list; bpftool map list") == programs);
  CHECK(kernel_picture("worker").text() == picture);
  CHECK_FALSE(std::filesystem::exists(agent.bpf_root()));
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("preflight: what stands in the way is named, with file, process and remedy") {
  Lab lab;
  lab.start_agent("worker");
  lab.agent("worker").stop();
  REQUIRE(lab.agent("worker").cleanup().ok());
  REQUIRE(preflight(lab).status == 0);

  must("rmmod esp4");
  write_file(kForbidding, "# because of CVE-2026-43284\ninstall esp4 /bin/false\n");
  write_file(lab.agent("worker").cni_conf_dir() + "/00-other.conflist",
             R"({"cniVersion":"1.0.0","name":"other","plugins":[{"type":"bridge"}]})");
  const Process taken({"python3", "-m", "http.server", "9879", "--bind", "127.0.0.1"},
                      lab.log_dir() + "/taken.log", "worker");
  must_in("worker",
          "ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir out priority 5 tmpl "
          "src 192.0.2.1 dst 198.51.100.1 proto esp reqid 77 mode tunnel");
  lab.api().forbid(kUser, "patch", "nodes/status");
  REQUIRE(wait_until([&] {
    return sh_in("worker", "curl --silent --output /dev/null http://127.0.0.1:9879/").ok();
  }));
  CHECK(is_as_checked_in(lab, "preflight-faults"));
  const auto json = Json::parse(preflight(lab, "-o json").output);
  CHECK(json["verdict"] == "fail");
  CHECK(json["hopeless"] == false);
  CHECK_THAT(finding(json, "module esp4")["found"].get<std::string>(),
             Contains("/etc/modprobe.d/zz-esp.conf, line 2, forbids the module esp4"));
  CHECK(finding(json, "patch nodes/status")["verdict"] == "fail");
  CHECK(finding(json, "list nodes")["verdict"] == "ok");
  CHECK(modules().find("esp4") == std::string::npos);

  lab.api().go_away();
  const Result away = preflight(lab);
  CHECK(away.status == 1);
  CHECK_THAT(away.output, Contains("k8s-service-host"));
}

TEST_CASE("preflight: a kernel without ESP is hopeless, and its exit status says so") {
  Lab lab({.nodes = {seed_nodes().front()}});
  must("rmmod esp4");
  sh("rmmod esp6");
  const auto folder = "$(readlink -f /lib/modules/$(uname -r))/kernel/net/";
  must(std::string("mv ") + folder + "ipv4/esp4.ko* /run/");
  sh(std::string("mv ") + folder + "ipv6/esp6.ko* /run/");
  const Result result = lab.agent("worker").ctl("preflight");
  CAPTURE(result.output);
  CHECK(result.status == 4);
  CHECK_THAT(result.output,
             Contains("no agent can work on this node") && Contains("this is no pod"));
}

}  // namespace this_file
