#include "agent/kube/key_records.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/clock.h"

namespace pellicle {

namespace {

constexpr unsigned kLastKeyId = 15;

// Accepts `text` only when all of it is decimal digits.
std::optional<unsigned> number(std::string_view text, unsigned least, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < least || value > most) return std::nullopt;
  return value;
}

std::optional<uint8_t> key_id(std::string_view text) {
  const auto id = number(text, 1, kLastKeyId);
  return id ? std::optional(static_cast<uint8_t>(*id)) : std::nullopt;
}

}  // namespace

std::string KeySince::text() const {
  return std::to_string(id) + " " + time_text(since);
}

std::optional<KeySince> KeySince::parse(const std::string& text) {
  const auto space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto id = key_id(std::string_view(text).substr(0, space));
  const auto since = parse_time(text.substr(space + 1));
  if (!id || !since) return std::nullopt;
  return KeySince{.id = *id, .since = *since};
}

std::optional<KeySince> key_since(const ApiObject& secret) {
  using nlohmann::json;
  const auto object = json::parse(secret.text, nullptr, /*allow_exceptions=*/false);
  const auto annotations = json::json_pointer("/metadata/annotations");
  if (!object.is_object() || !object.contains(annotations)) return std::nullopt;
  const auto& all = object[annotations];
  const auto found = all.find(kKeySinceAnnotation);
  if (!all.is_object() || found == all.end() || !found->is_string()) return std::nullopt;
  return KeySince::parse(found->get<std::string>());
}

std::string SequenceUse::text() const {
  return std::to_string(key_id) + "/" + std::to_string(percent);
}

std::optional<SequenceUse> SequenceUse::parse(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto id = pellicle::key_id(std::string_view(text).substr(0, slash));
  const auto percent = number(std::string_view(text).substr(slash + 1), 0, 100);
  if (!id || !percent) return std::nullopt;
  return SequenceUse{.key_id = *id, .percent = *percent};
}

}  // namespace pellicle
