// What the API says an agent may do, against a server.
#include "agent/preflight/api.h"

#include <cstdlib>

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";

class Server {
 public:
  Server() { api.allow_token("good", kUser); }
  Findings look(const std::string& token = "good") {
    const ApiAccess access{.scheme_host_port = url, .ca = {.text = api.ca_pem()}, .token = token};
    return judge_api(access.scheme_host_port, ask_permissions(access));
  }
  ApiFixture api;
  std::string url = api.url();
};

Finding of(const Findings& findings, const std::string& what) {
  for (const auto& finding : findings) {
    if (finding.what == what) return finding;
  }
  throw std::runtime_error("nothing is found of " + what);
}

}  // namespace

TEST_CASE("preflight: an account that may do everything is ok, verb by verb, and changes nothing") {
  Server server;
  const auto version = server.api.version();
  const auto findings = server.look();
  CHECK(findings.size() == kAgentPermissions.size() + 1);
  CHECK(count(findings, Verdict::ok) == findings.size());
  CHECK(of(findings, "server").found == server.url + " answers");
  CHECK(of(findings, "list secrets/cilium-ipsec-keys in kube-system").found == "allowed");
  CHECK(server.api.version() == version);
}

TEST_CASE("preflight: the one verb that is refused fails, and only it") {
  Server server;
  server.api.forbid(kUser, "patch", "nodes/status");
  const auto findings = server.look();
  CHECK(count(findings, Verdict::fail) == 1);
  const auto refused = of(findings, "patch nodes/status");
  CHECK(refused.verdict == Verdict::fail);
  CHECK(refused.found == "not allowed");
  CHECK_THAT(refused.remedy, Contains("agent-rbac.yaml"));
}

TEST_CASE("preflight: a token that is not taken is said once") {
  Server server;
  const auto findings = server.look("other");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].verdict == Verdict::fail);
  CHECK_THAT(findings[0].found, Contains("401 Unauthorized"));
  CHECK(findings[0].found.find("other") == std::string::npos);
}

TEST_CASE("preflight: a server that is away is said once, with the transport's words") {
  Server server;
  server.api.go_away();
  const auto findings = server.look();
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].verdict == Verdict::fail);
  CHECK_THAT(findings[0].found, Contains(server.url));
  CHECK_THAT(findings[0].remedy, Contains("k8s-service-host"));
}

TEST_CASE("preflight: reviews that the server does not answer are unknown, not refused") {
  Server server;
  server.api.inject({.kind = api::FaultKind::answer, .status = 403, .times = api::kUntilCleared});
  const auto findings = server.look();
  CHECK(count(findings, Verdict::unknown) == kAgentPermissions.size());
  CHECK(access_answer({.status = 201, .body = "{\"status\": {}}"}).is == AccessAnswer::Is::unknown);
  CHECK(access_answer({.status = 201, .body = "<html>"}).is == AccessAnswer::Is::unknown);
  const auto refused = access_answer(
      {.status = 201, .body = R"({"status": {"allowed": false, "reason": "webhook: no"}})"});
  CHECK(refused.is == AccessAnswer::Is::refused);
  CHECK(refused.sentence == "webhook: no");
}

TEST_CASE("preflight: beyond a pod and without a kubeconfig the API is left out, with the reason") {
  unsetenv("KUBERNETES_SERVICE_HOST");
  std::string obstacle;
  CHECK_FALSE(agent_access("", "", "", obstacle));
  CHECK_THAT(obstacle, Contains("this is no pod"));
  CHECK(judge_api_skipped(obstacle, Verdict::unknown).verdict == Verdict::unknown);
  CHECK_THROWS_AS(agent_access("/nowhere/kubeconfig", "", "", obstacle), AccessError);
}

}  // namespace this_file
