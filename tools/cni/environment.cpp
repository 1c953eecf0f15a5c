#include "tools/cni/environment.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tools/cni/failure.h"

namespace pellicle::cni {

namespace {

constexpr std::array<VerbRule, 6> kVerbs{{
    {Verb::add, "ADD", "0.3.1", true, true, "pod-add"},
    {Verb::del, "DEL", "0.3.1", true, false, "pod-delete"},
    {Verb::check, "CHECK", "0.4.0", true, true, "pod-check"},
    {Verb::gc, "GC", "1.1.0", false, false, "pod-gc"},
    {Verb::status, "STATUS", "1.1.0", false, false, "pod-ready"},
    {Verb::version, "VERSION", "0.3.1", false, false, ""},
}};

constexpr size_t kLongestInterfaceName = 15;  // IFNAMSIZ without the terminating zero

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What the specification and the kernel's dev_valid_name() agree on.
bool is_interface_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongestInterfaceName && text != "." && text != ".." &&
         text.find_first_of("/: \t\n\v\f\r") == std::string::npos;
}

void require(std::vector<std::string>& wrong, const char* variable, const std::string& value,
             bool valid, const char* expected) {
  if (value.empty()) {
    wrong.push_back(std::string(variable) + " is not set");
  } else if (!valid) {
    wrong.push_back(std::string(variable) + " is '" + value + "', expected " + expected);
  }
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names(kVerbs.size());
  std::transform(kVerbs.begin(), kVerbs.end(), names.begin(),
                 [](const VerbRule& each) { return each.name; });
  return names;
}

const VerbRule& rule_named(const std::string& command) {
  const auto* rule = std::find_if(kVerbs.begin(), kVerbs.end(), [&command](const VerbRule& each) {
    return command == each.name;
  });
  if (rule != kVerbs.end()) return *rule;
  const std::string found =
      command.empty() ? std::string("CNI_COMMAND is not set") : "CNI_COMMAND is '" + command + "'";
  throw Failure(kInvalidEnvironment, found + ", expected one of " + joined(verb_names(), ", "));
}

}  // namespace

bool is_identifier(const std::string& text) {
  return !text.empty() && is_letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

const VerbRule& verb_rule(const Environment& environment) {
  const auto& rule = rule_named(environment.command);
  std::vector<std::string> wrong;
  if (rule.of_attachment) {
    require(wrong, "CNI_CONTAINERID", environment.container_id,
            is_identifier(environment.container_id),
            "a letter or digit, then letters, digits, '_', '.' and '-'");
    require(wrong, "CNI_IFNAME", environment.ifname, is_interface_name(environment.ifname),
            "1 to 15 characters, none of them '/', ':' or white space, and not '.' or '..'");
  }
  if (rule.of_namespace) {
    require(wrong, "CNI_NETNS", environment.netns, environment.netns.starts_with('/'),
            "an absolute path");
  }
  if (!wrong.empty()) {
    throw Failure(kInvalidEnvironment,
                  "invalid environment for " + environment.command + ": " + joined(wrong, "; "));
  }
  return rule;
}

std::string pod_name(const Environment& environment) {
  std::string pod_namespace;
  std::string pod;
  const std::string& args = environment.args;
  for (size_t begin = 0; begin < args.size();) {
    const size_t end = std::min(args.find(';', begin), args.size());
    const std::string pair = args.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Failure(kInvalidEnvironment,
                    "CNI_ARGS has '" + pair + "', expected KEY=VALUE pairs separated by ';'");
    }
    const std::string key = pair.substr(0, equals);
    if (key == "K8S_POD_NAMESPACE") pod_namespace = pair.substr(equals + 1);
    if (key == "K8S_POD_NAME") pod = pair.substr(equals + 1);
  }
  if (pod.empty()) return environment.container_id;
  return pod_namespace.empty() ? pod : pod_namespace + "/" + pod;
}

}  // namespace pellicle::cni
