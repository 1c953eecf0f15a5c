// Probes and metrics, compared with what the node really did.
#include "tests/harness/metrics.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

Result get(const std::string& node, const std::string& path) {
  return sh_in(node, "curl --silent --show-error --fail-with-body http://127.0.0.1:9879" + path);
}

std::string metrics_of(const std::string& node) {
  const Result answer = get(node, "/metrics");
  REQUIRE(answer.ok());
  REQUIRE(metrics_problems(answer.output) == std::vector<std::string>{});
  return answer.output;
}

// Packets dropped by XFRM and by the eBPF programs.
double thrown_away(const std::string& metrics) {
  return metric_sum(metrics, "pellicle_ipsec_xfrm_error_total") +
         metric_sum(metrics, "pellicle_drop_count_total");
}

}  // namespace

TEST_CASE("probes and metrics say what the node does, and that it does without the API server") {
  Lab lab;
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  CHECK(get("worker", "/healthz").output == "ok\n");
  CHECK(get("worker", "/readyz").output == "ok\n");
  CHECK_FALSE(get("worker", "/status").ok());

  const std::vector<std::string> to_worker2{R"(peer="worker2")", R"(direction="out")"};
  const double before =
      metric_sum(metrics_of("worker"), "pellicle_ipsec_packets_total", to_worker2);
  REQUIRE(must_in("net", "ping -c 5 -i 0.05 10.0.0.249").find(" 0% packet loss") !=
          std::string::npos);
  const std::string after = metrics_of("worker");
  CHECK(metric_sum(after, "pellicle_ipsec_packets_total", to_worker2) == before + 5);
  CHECK(metric_sum(after, "pellicle_ipsec_bytes_total", to_worker2) >= 5 * 84);
  CHECK(metric(after, "pellicle_ready") == 1);
  CHECK(metric(after, R"(pellicle_peers{state="encrypted"})") == 2);
  CHECK(metric(after, "pellicle_endpoint") == 1);
  CHECK(metric_sum(after, "pellicle_ipsec_xfrm_states") ==
        std::stod(must_in("worker", "ip xfrm state count | grep -o '[0-9]*'")));
  CHECK(metric(after, R"(pellicle_api_watch_healthy{source="nodes"})") == 1);

  // A peer without a policy: no packet passes, and each is counted as dropped.
  lab.agent("worker").kill();
  CHECK_FALSE(get("worker", "/healthz").ok());
  must_in("worker", "ip xfrm policy flush");
  const Result unanswered = sh_in("net", "ping -c 3 -i 0.05 -W 1 10.0.0.249");
  CHECK(unanswered.output.find("3 packets transmitted, 0 received") != std::string::npos);
  lab.start_agent("worker");
  REQUIRE(lab.agent("worker").wait_ready());
  CHECK(thrown_away(metrics_of("worker")) >= thrown_away(after) + 3);

  const Result nodes = lab.agent("worker").ctl("node list");
  CHECK(nodes.output.find("worker2        10.0.0.0/24  172.18.0.4   10.0.0.40") !=
        std::string::npos);
  const Result config = lab.agent("worker").ctl("config");
  CHECK(config.output.find("health-address = 127.0.0.1:9879\n") != std::string::npos);
  CHECK(config.output.find("uplink = \"\"\n") != std::string::npos);

  lab.api().go_away();
  CHECK(wait_until(
      [&] {
        return metric(metrics_of("worker"), R"(pellicle_api_watch_healthy{source="nodes"})") == 0;
      },
      60s));
  CHECK(get("worker", "/readyz").ok());  // what is programmed keeps running
  CHECK(metric_sum(metrics_of("worker"), "pellicle_api_watch_troubles_total") > 0);
  lab.api().come_back();
}

TEST_CASE("an agent whose health address is taken says so and encrypts all the same") {
  Lab lab;
  Process other({"busybox", "httpd", "-f", "-p", "127.0.0.1:9879"}, "/run/lab/other.log", "worker");
  REQUIRE(wait_until([] { return sh_in("worker", "ss -ltn | grep -q 127.0.0.1:9879").ok(); }));
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(esp_numbers(lab.network().wire()).size() >= 2);
  CHECK(lab.cleartext().empty());
  CHECK(wait_until([&] {
    return lab.agent("worker").says().find("Setting health-address") != std::string::npos;
  }));
  CHECK(lab.agent("worker").says().find("Address already in use") != std::string::npos);
}

}  // namespace this_file
