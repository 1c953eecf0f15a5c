#include "agent/kernel/rule_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace pellicle {

RuleWords::RuleWords(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words_.push_back(text.substr(at, end - at));
    at = end + 1;
  }
}

std::string_view RuleWords::take() {
  return done() ? std::string_view() : words_[at_++];
}

bool RuleWords::take(std::string_view expected) {
  if (done() || words_[at_] != expected) return false;
  ++at_;
  return true;
}

std::optional<uint32_t> parse_hex(std::string_view word) {
  if (!word.starts_with("0x")) return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), value, 16);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<MaskedMark> parse_mark(std::string_view word) {
  const size_t slash = word.find('/');
  const auto value = parse_hex(word.substr(0, slash));
  if (!value) return std::nullopt;
  if (slash == std::string_view::npos) return MaskedMark{.value = *value};
  const auto mask = parse_hex(word.substr(slash + 1));
  if (!mask) return std::nullopt;
  return MaskedMark{.value = *value, .mask = *mask};
}

std::string prefixed_hex(uint32_t value) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string masked(const MaskedMark& mark) {
  return mark.mask == UINT32_MAX ? prefixed_hex(mark.value)
                                 : prefixed_hex(mark.value) + "/" + prefixed_hex(mark.mask);
}

std::string quoted(const std::string& text) {
  std::string safe;
  bool needed = text.empty();
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    needed = needed || !plain;
    if (c == '"' || c == '\\' || c == '\'') safe += '\\';
    safe += c;
  }
  return needed ? '"' + safe + '"' : safe;
}

}  // namespace pellicle
