// What is written down about keys beside the keys, so that the operator can tell when the next one
// is due.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/kube/api_json.h"

namespace pellicle {

// On the Secret, "4 2026-11-26T08:04:08Z": since when it has the key with this id. Whoever changes
// the key by hand leaves the id of the one before it.
inline constexpr std::string_view kKeySinceAnnotation = "pellicle.io/key-since";
struct KeySince {
  uint8_t id = 0;
  std::chrono::system_clock::time_point since{};  // whole seconds
  std::string text() const;
  static std::optional<KeySince> parse(const std::string& text);
  auto operator<=>(const KeySince&) const = default;
};
std::optional<KeySince> key_since(
    const ApiObject& secret);  // no value: nobody wrote it down, or not readably

// On a Node, "4/30": of all that it sends with this key the state that has used most of its
// sequence numbers has used 30 percent of them. In tens, so that it changes seldom; from 10 on.
inline constexpr std::string_view kSequenceUsedAnnotation = "pellicle.io/sequence-used";
struct SequenceUse {
  uint8_t key_id = 0;
  unsigned percent = 0;
  std::string text() const;
  static std::optional<SequenceUse> parse(const std::string& text);
  auto operator<=>(const SequenceUse&) const = default;
};

}  // namespace pellicle
