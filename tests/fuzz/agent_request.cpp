// Requests on the agent's socket, up to the values of a pod's request.
#include "agent/pods/pod_request.h"
#include "agent/socket/server.h"
#include "tests/fuzz/connection.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/temporary_directory.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

nlohmann::json pod(const nlohmann::json& params) {
  const auto request = pod_request(params);
  expect(!request.id.empty() && !request.netns.empty() && !request.name.empty(), "a pod is named");
  expect(request.addresses.size() <= 2, "a pod has at most one address a family");
  const Endpoint endpoint{.id = request.id,
                          .name = request.name,
                          .network = request.network,
                          .device = "lxc1",
                          .addresses = request.addresses};
  return endpoint_json(endpoint, PodNetwork{});
}

struct Agent {
  TemporaryDirectory directory;
  std::string path = directory.path() + "/agent.sock";
  boost::asio::io_context io;
  Server server{
      io,
      path,
      {{"pod-add", pod},
       {"pod-delete",
        [](const nlohmann::json& params) -> nlohmann::json { return text_of(params, "id"); }},
       {"echo", [](const nlohmann::json& params) { return params; }}}};
};

void expect_answer(const std::string& line) {
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  expect(answer.is_object() && answer.size() == 1, "an answer is one object");
  if (answer.contains("result")) return;
  const auto& error = answer.at("error");
  expect(error.at("code").is_number_integer() && !error.at("message").get<std::string>().empty(),
         "an error has its number and sentence");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Agent agent;
  const auto sent = text_of(data, size);
  const auto answers =
      exchange(agent.io, boost::asio::local::stream_protocol::endpoint(agent.path), sent);
  const auto lines = std::count(sent.begin(), sent.end(), '\n');
  expect(std::count(answers.begin(), answers.end(), '\n') == lines, "each line has its answer");
  std::string_view rest = answers;
  while (!rest.empty()) expect_answer(std::string(take_line(rest)));
  return 0;
}
