#include "agent/preflight/preflight.h"

#include <algorithm>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("preflight: the report has every finding, counts, and the worst verdict") {
  const Findings findings = {{.topic = kKernelTopic, .what = "module esp4", .found = "loadable"},
                             {.topic = kClockTopic,
                              .what = "time",
                              .found = "now",
                              .verdict = Verdict::warn,
                              .remedy = "sync"}};
  const auto json = preflight_json(findings, "6.1.0");
  CHECK(json["kernel"] == "6.1.0");
  CHECK(json["verdict"] == "warn");
  CHECK(json["hopeless"] == false);
  CHECK(json["counts"].dump() == R"({"ok":1,"unknown":0,"warn":1,"fail":0})");
  REQUIRE(json["findings"].size() == 2);
  CHECK_FALSE(json["findings"][0].contains("remedy"));
  CHECK(json["findings"][1].dump() ==
        R"({"topic":"Clock","what":"time","found":"now","verdict":"warn","remedy":"sync"})");
}

TEST_CASE("preflight: every topic has a finding on any machine, and each that is not ok a remedy") {
  PreflightOptions options;
  options.config.kubeconfig = "/nowhere/kubeconfig";
  options.config_problem = "agent.conf: no such setting";
  const auto findings = preflight(options);
  for (const char* topic : {kKernelTopic, kCipherTopic, kBpfTopic, kNetfilterTopic, kSettingTopic,
                            kPortTopic, kNetworkTopic, kClockTopic, kApiTopic}) {
    CAPTURE(topic);
    CHECK(std::any_of(findings.begin(), findings.end(),
                      [&](const Finding& finding) { return finding.topic == topic; }));
  }
  for (const auto& finding : findings) {
    CAPTURE(finding.topic, finding.what, finding.found);
    CHECK_FALSE(finding.what.empty());
    CHECK_FALSE(finding.found.empty());
    const bool good = finding.verdict == Verdict::ok || finding.what == "all of it";
    CHECK((good || !finding.remedy.empty()));
  }
  CHECK(findings.front().found == "agent.conf: no such setting");
}

}  // namespace this_file
