#include "tools/operator/key_policy.h"

#include <algorithm>

namespace pellicle {

namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

// Machines' clocks differ. A date further in the future than this comes from a wrong clock.
constexpr auto kClockSkew = 10min;

std::string in_words(std::chrono::seconds age) {
  const auto count = [](int64_t number, const char* unit) {
    return std::to_string(number) + " " + unit + (number == 1 ? "" : "s");
  };
  if (age >= 48h) return count(age / 24h, "day");
  if (age >= 2h) return count(age / 1h, "hour");
  return count(age / 1min, "minute");
}

// Empty: not due.
std::string reason_to_rotate(const KeyPolicy& policy, const KeySince& key, const KeyNodes& nodes,
                             Time now) {
  for (const auto& [name, used] : nodes.used) {
    if (policy.at_sequence == 0 || used.key_id != key.id || used.percent < policy.at_sequence) {
      continue;
    }
    return name + " has used " + std::to_string(used.percent) +
           " percent of the sequence numbers it has for a peer";
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - key.since);
  if (policy.every.count() > 0 && age >= policy.every) return "it is " + in_words(age) + " old";
  return "";
}

std::string waits_for(const std::vector<std::string>& names) {
  std::string text = names.front();
  if (names.size() > 1) text += " and " + std::to_string(names.size() - 1) + " more";
  return text + (names.size() > 1 ? " have" : " has");
}

}  // namespace

KeyVerdict judge_key(const KeyPolicy& policy, const std::optional<ApiObject>& secret,
                     const KeyNodes& nodes, Time now) {
  if (!secret) {
    return KeyStands{.since = {}, .trouble = std::string(kKeySecret) + " does not exist"};
  }
  const auto decoded = decode_secret(*secret, WeakAlgorithms::allowed);
  if (!decoded.key) {
    return KeyStands{.since = {}, .trouble = decoded.problems.front().to_string()};
  }
  const uint8_t id = decoded.key->id;
  const auto since = key_since(*secret);
  if (!since || since->id != id || since->since > now + kClockSkew) {
    return KeyUndated{{.id = id, .since = std::chrono::floor<std::chrono::seconds>(now)}};
  }
  const auto reason = reason_to_rotate(policy, *since, nodes, now);
  if (reason.empty()) return KeyStands{.since = since, .trouble = {}};
  const auto takes_part = [](const auto& node) { return node.second.key_id.has_value(); };
  if (std::none_of(nodes.nodes.begin(), nodes.nodes.end(), takes_part)) {
    return KeyStands{.since = since, .trouble = {}};  // no node uses the key
  }
  const auto lacking = nodes_without_key(nodes.nodes, id);
  if (lacking.empty()) return KeyDue{.id = id, .reason = reason};
  return KeyStands{.since = since,
                   .trouble = "key " + std::to_string(id) + " is due to be replaced (" + reason +
                              "), but " + waits_for(lacking) +
                              " not taken it yet: start the agent there, or delete the Node"};
}

}  // namespace pellicle
