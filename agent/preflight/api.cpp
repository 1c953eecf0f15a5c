#include "agent/preflight/api.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>

#include "agent/kube/client.h"

namespace pellicle {

namespace {

using Is = AccessAnswer::Is;

constexpr std::chrono::seconds kOneAnswer{5};
constexpr std::chrono::seconds kAllAnswers{10};

bool in_a_pod() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  return host != nullptr && *host != '\0';
}

// All are asked at once.
class Questions {
 public:
  explicit Questions(const ApiAccess& access) : client_(io_, access), limit_(io_, kAllAnswers) {}

  std::vector<Response> ask() {
    for (size_t i = 0; i < kAgentPermissions.size(); ++i) {
      auto request = access_review(kAgentPermissions[i]);
      request.limit = kOneAnswer;
      calls_.push_back(client_.request(request, [this, i](Response response) {
        answers_[i] = std::move(response);
        if (++answered_ == answers_.size()) io_.stop();
      }));
    }
    limit_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) io_.stop();
    });
    io_.run();
    return answers_;
  }

 private:
  boost::asio::io_context io_{1};
  ApiClient client_;
  boost::asio::steady_timer limit_;
  std::vector<Call> calls_;
  size_t answered_ = 0;
  std::vector<Response> answers_{
      kAgentPermissions.size(),
      Response{.error = "no answer within " + std::to_string(kAllAnswers.count()) + " s"}};
};

Finding judge_permission(const Permission& permission, const Response& response) {
  const auto answer = access_answer(response);
  Finding finding{.topic = kApiTopic, .what = permission.to_string(), .found = "allowed"};
  if (answer.is == Is::allowed) return finding;
  finding.found = answer.is == Is::refused ? "not allowed" : "not known";
  if (!answer.sentence.empty()) finding.found += ": " + answer.sentence;
  finding.verdict = answer.is == Is::refused ? Verdict::fail : Verdict::unknown;
  finding.remedy = answer.is == Is::refused
                       ? "give the agent's account the chart's roles (agent-rbac.yaml)"
                       : "let every account ask, as the ClusterRole system:basic-user does";
  return finding;
}

}  // namespace

std::optional<ApiAccess> agent_access(const std::string& kubeconfig, const std::string& host,
                                      const std::string& port, std::string& obstacle) {
  if (kubeconfig.empty() && !in_a_pod()) {
    obstacle =
        "not asked: this is no pod, and neither --kubeconfig nor the agent's settings name "
        "a kubeconfig";
    return std::nullopt;
  }
  return api_access(kubeconfig, host, port);
}

std::vector<Response> ask_permissions(const ApiAccess& access) {
  return Questions(access).ask();
}

Findings judge_api(const std::string& server, const std::vector<Response>& answers) {
  Finding reach{.topic = kApiTopic, .what = "server", .found = server + " answers"};
  // The transport's word, or that the credentials are not taken, is said once.
  for (const auto& answer : answers) {
    if (answer.status != 0 && answer.status != 401) continue;
    reach.found = server + ": " + failure_sentence(answer);
    reach.verdict = Verdict::fail;
    reach.remedy = answer.status == 401
                       ? "renew the agent's token or certificate"
                       : "see that the node reaches that address, or name another by "
                         "k8s-service-host: a ClusterIP needs kube-proxy first";
    return {reach};
  }
  Findings findings{reach};
  for (size_t i = 0; i < answers.size() && i < kAgentPermissions.size(); ++i) {
    findings.push_back(judge_permission(kAgentPermissions[i], answers[i]));
  }
  return findings;
}

Finding judge_api_skipped(const std::string& why, Verdict verdict) {
  return {.topic = kApiTopic,
          .what = "server",
          .found = why,
          .verdict = verdict,
          .remedy = "run it in the agent's pod, or name the agent's kubeconfig"};
}

}  // namespace pellicle
