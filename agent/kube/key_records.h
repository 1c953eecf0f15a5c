// Annotations about keys, by which the operator decides when the next key is due.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/kube/api_json.h"

namespace pellicle {

// On the Secret, "4 2026-11-26T08:04:08Z": the Secret has had the key with this id since then. A
// key changed by hand leaves the previous id there.
inline constexpr std::string_view kKeySinceAnnotation = "pellicle.io/key-since";
struct KeySince {
  uint8_t id = 0;
  std::chrono::system_clock::time_point since{};  // whole seconds
  std::string text() const;
  static std::optional<KeySince> parse(const std::string& text);
  auto operator<=>(const KeySince&) const = default;
};
std::optional<KeySince> key_since(const ApiObject& secret);  // nullopt: missing or malformed

// On a Node, "4/30": of its sending states with this key, the one closest to exhaustion has used 30
// percent of its sequence numbers. Written in tens from 10 on, so that it changes rarely.
inline constexpr std::string_view kSequenceUsedAnnotation = "pellicle.io/sequence-used";
struct SequenceUse {
  uint8_t key_id = 0;
  unsigned percent = 0;
  std::string text() const;
  static std::optional<SequenceUse> parse(const std::string& text);
  auto operator<=>(const SequenceUse&) const = default;
};

}  // namespace pellicle
