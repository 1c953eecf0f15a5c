// What the chart allows the agent's account, and what `pellicle preflight` asks about.
#include "agent/kube/permissions.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <set>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

using Permissions = std::set<std::string>;

std::string permission(const std::string& verb, const std::string& resource,
                       const std::string& name, const std::string& space) {
  return verb + " " + resource + (name.empty() ? "" : "/" + name) +
         (space.empty() ? "" : " in " + space);
}

void take(const YAML::Node& rule, const std::string& space, Permissions& all) {
  for (const auto& group : rule["apiGroups"]) CHECK(group.as<std::string>() == "");
  const auto named = rule["resourceNames"];
  const std::vector<std::string> names =
      named ? named.as<std::vector<std::string>>() : std::vector<std::string>{""};
  for (const auto& resource : rule["resources"]) {
    for (const auto& verb : rule["verbs"]) {
      for (const auto& name : names) {
        all.insert(permission(verb.as<std::string>(), resource.as<std::string>(), name, space));
      }
    }
  }
}

// Of the roles that are bound to the account pellicle-agent.
Permissions granted(const std::string& file) {
  const auto documents = YAML::LoadAllFromFile(file);
  std::set<std::string> bound;
  for (const auto& document : documents) {
    if (!document["subjects"]) continue;
    for (const auto& subject : document["subjects"]) {
      if (subject["name"].as<std::string>() != "pellicle-agent") continue;
      bound.insert(document["roleRef"]["kind"].as<std::string>() + " " +
                   document["roleRef"]["name"].as<std::string>());
    }
  }
  Permissions all;
  for (const auto& document : documents) {
    const auto& metadata = document["metadata"];
    if (!document["rules"] || !metadata) continue;
    if (!bound.contains(document["kind"].as<std::string>() + " " +
                        metadata["name"].as<std::string>())) {
      continue;
    }
    const auto space = metadata["namespace"] ? metadata["namespace"].as<std::string>() : "";
    for (const auto& rule : document["rules"]) take(rule, space, all);
  }
  return all;
}

}  // namespace

TEST_CASE(
    "what preflight asks the API about is what the chart grants the agent, no more, no less") {
  Permissions asked;
  for (const auto& each : kAgentPermissions) asked.insert(each.to_string());
  CHECK(asked.size() == kAgentPermissions.size());
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PELLICLE_GOLDEN)) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().string());
    CHECK(granted(entry.path()) == asked);
    ++files;
  }
  CHECK(files > 5);
}

}  // namespace this_file
