#include "tools/ctl/version_text.h"

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

nlohmann::ordered_json version_json(const std::string& client,
                                    const nlohmann::ordered_json& agent) {
  return {{"client", client}, {"agent", agent}, {"differ", !agent.is_null() && agent != client}};
}

std::string version_text(const nlohmann::ordered_json& versions, const std::string& trouble) {
  auto text = "Client: " + text_of(versions, "client") +
              "\nAgent:  " + text_of(versions, "agent", trouble) + "\n";
  if (versions.at("differ") == true) {
    text += "They differ: the agent that runs is not the one that this command came with.\n";
  }
  return text;
}

}  // namespace pellicle::ctl
