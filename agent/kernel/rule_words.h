// The words of a rule as iptables-save prints it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pellicle {

// A view: valid as long as the text.
class RuleWords {
 public:
  explicit RuleWords(std::string_view text);
  bool done() const { return at_ == words_.size(); }
  std::string_view peek() const { return done() ? std::string_view() : words_[at_]; }
  std::string_view take();               // the next word; empty when there is none
  bool take(std::string_view expected);  // takes the next word if it is this one

 private:
  std::vector<std::string_view> words_;
  size_t at_ = 0;
};

// "0xd00/0xf00", or "0x0" for a comparison of all bits.
struct MaskedMark {
  uint32_t value = 0;
  uint32_t mask = UINT32_MAX;
};
std::optional<MaskedMark> parse_mark(std::string_view word);
std::optional<uint32_t> parse_hex(std::string_view word);  // "0xf00"
std::string prefixed_hex(uint32_t value);
std::string masked(const MaskedMark& mark);  // without a mask that has all bits

std::string quoted(const std::string& text);  // if it needs quotes

}  // namespace pellicle
