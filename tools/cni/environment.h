// What a runtime says through environment variables.
#pragma once

#include <string>

namespace pellicle::cni {

// CNI_COMMAND and its companions as they stand there; empty when unset, which the specification
// treats alike.
struct Environment {
  std::string command;
  std::string container_id;
  std::string netns;
  std::string ifname;
  std::string args;
};

enum class Verb { add, del, check, gc, status, version };

// What the specification says of a verb, and what it is for the agent.
struct VerbRule {
  Verb verb;
  const char* name;
  const char* since;   // the version of the specification that has it
  bool of_attachment;  // CNI_CONTAINERID and CNI_IFNAME are needed
  bool of_namespace;   // CNI_NETNS is needed
  const char* method;  // of the agent's API; empty: the agent is not asked
};

// The rule of the environment's verb. Failure 4 that names every variable that is missing or
// wrong.
const VerbRule& verb_rule(const Environment& environment);

// "namespace/pod" from CNI_ARGS as Kubernetes fills it, else the container id. Other keys, with or
// without IgnoreUnknown, are no concern of ours. Failure 4 when CNI_ARGS is no list of KEY=VALUE.
std::string pod_name(const Environment& environment);

// A network's name or a container's id: starts with a letter or digit, and only these, '_', '.'
// and '-' follow.
bool is_identifier(const std::string& text);

}  // namespace pellicle::cni
