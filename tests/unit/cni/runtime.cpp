#include "tests/unit/cni/runtime.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/harness/catch.h"

namespace pellicle {

const char* const kPod = R"({
  "id": "c0ffee:eth0", "name": "default/net", "network": "pellicle", "device": "lxc0123456789ab",
  "hostMac": "06:00:00:00:00:01", "mac": "06:00:00:00:00:02", "linkMtu": 1500, "routeMtu": 1446,
  "addresses": [{"address": "10.0.1.52", "gateway": "10.0.1.138"}]})";

const char* const kDualStackPod = R"({
  "id": "c0ffee:eth0", "name": "default/net", "network": "pellicle", "device": "lxc0123456789ab",
  "hostMac": "06:00:00:00:00:01", "mac": "06:00:00:00:00:02", "linkMtu": 1500, "routeMtu": 1426,
  "addresses": [{"address": "10.0.1.52", "gateway": "10.0.1.138"},
                {"address": "fd00::52", "gateway": "fd00::138"}]})";

namespace {

std::vector<std::string> assignments(const Variables& variables) {
  std::vector<std::string> settings(variables.size());
  std::transform(variables.begin(), variables.end(), settings.begin(), [](const auto& variable) {
    return std::string(variable.first).append("=").append(variable.second);
  });
  return settings;
}

std::string content(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

Variables attachment(const std::string& command) {
  return {{"CNI_COMMAND", command},
          {"CNI_CONTAINERID", "c0ffee"},
          {"CNI_NETNS", "/proc/self/ns/net"},  // is there for every process; the plugin opens it
          {"CNI_IFNAME", "eth0"},
          {"CNI_PATH", "/opt/cni/bin"},
          {"CNI_ARGS",
           "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=net;"
           "K8S_POD_INFRA_CONTAINER_ID=c0ffee;K8S_POD_UID=7"}};
}

Json network(const std::string& version, const Json& more) {
  Json json{{"cniVersion", version},
            {"name", "pellicle"},
            {"type", "pellicle-cni"},
            {"addWaitSeconds", 0}};
  json.update(more);
  return json;
}

std::string result_line(const std::string& json) {
  return "{\"result\": " + Json::parse(json).dump() + "}\n";
}

std::string error_line(int code, const std::string& message) {
  const Json error{{"code", code}, {"message", message}};
  return Json{{"error", error}}.dump() + "\n";
}

void check_error(const Run& run, int code, const std::string& words) {
  INFO(run.out);
  CHECK(run.status == 1);
  CHECK(run.err.empty());
  const auto error = run.json();
  CHECK(error.at("code").get<int>() == code);
  const auto sentence = error.at("msg").get<std::string>() + " " + error.value("details", "");
  CHECK(sentence.find(words) != std::string::npos);
}

void check_silent_success(const Run& run) {
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(run.out.empty());
  CHECK(run.err.empty());
}

Run Runtime::run(const Variables& environment, const std::string& input) const {
  const TemporaryDirectory files;
  const std::string in = files.path() + "/in";
  const std::string out = files.path() + "/out";
  const std::string err = files.path() + "/err";
  std::ofstream(in) << input;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  auto settings = assignments(environment);
  std::vector<char*> variables(settings.size() + 1);  // ends with a null pointer
  std::transform(settings.begin(), settings.end(), variables.begin(),
                 [](std::string& setting) { return setting.data(); });
  std::string program = PELLICLE_CNI;
  std::vector<char*> arguments{program.data(), nullptr};
  pid_t child = 0;
  const int error =
      posix_spawn(&child, PELLICLE_CNI, &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || ::waitpid(child, &status, 0) != child) {
    throw std::runtime_error("cannot run " + program);
  }
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = content(out),
          .err = content(err)};
}

Run Runtime::run(const Variables& environment, Json network) const {
  network["socket"] = socket();
  return run(environment, network.dump());
}

}  // namespace pellicle
