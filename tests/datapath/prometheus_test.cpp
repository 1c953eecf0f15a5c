// A real Prometheus scrapes the nodes, and every panel of the chart's dashboard has data.
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

// The dashboard as the chart passes it to Grafana.
nlohmann::json dashboard() {
  for (const auto& document :
       YAML::LoadAllFromFile(PELLICLE_SOURCE_DIR "/tests/chart/golden-manifests/prometheus.yaml")) {
    if (!document.IsMap() || !document["metadata"]) continue;
    if (document["metadata"]["name"].as<std::string>("") != "pellicle-dashboard") continue;
    return nlohmann::json::parse(document["data"]["pellicle.json"].as<std::string>());
  }
  return nlohmann::json::object();
}

nlohmann::json query(const std::string& expression) {
  const auto answer = sh("curl --silent --get --data-urlencode 'query=" + expression +
                         "' http://127.0.0.1:9090/api/v1/query");
  return nlohmann::json::parse(answer.output, nullptr, false);
}

bool has_data(const std::string& expression) {
  const auto answer = query(expression);
  return answer.is_object() && answer.value("status", "") == "success" &&
         !answer["data"]["result"].empty();
}

}  // namespace

TEST_CASE("Prometheus scrapes the nodes, and each query of the dashboard returns data") {
  Lab lab({.agent_config = "cluster-health-interval = 2\nhealth-address = \"0.0.0.0:9879\"\n"});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(lab.ping("net", "10.0.0.249").ok());
  write_file("/run/prometheus.yml",
             "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: pellicle-agent\n"
             "    static_configs:\n"
             "      - targets: ['172.18.0.2:9879', '172.18.0.3:9879', '172.18.0.4:9879']\n");
  Process prometheus({PELLICLE_PROMETHEUS, "--config.file=/run/prometheus.yml",
                      "--storage.tsdb.path=/run/prometheus", "--web.listen-address=127.0.0.1:9090",
                      "--log.level=warn"},
                     lab.log_dir() + "/prometheus.log");
  REQUIRE(wait_until([] { return has_data("sum(up) == 3"); }, 120s));

  size_t queries = 0;
  const auto board = dashboard();
  for (const auto& panel : board["panels"]) {
    for (const auto& target : panel["targets"]) {
      const auto expression = target["expr"].get<std::string>();
      CAPTURE(panel["title"], expression);
      CHECK(wait_until([&] { return has_data(expression); }, 60s));
      ++queries;
    }
  }
  CHECK(queries >= 15);
  CHECK(has_data(R"(count(pellicle_peers{state="encrypted"} == 2) == 3)"));
  CHECK_FALSE(has_data("pellicle_of_which_nobody_has_heard"));
}

}  // namespace this_file
