#include "agent/model/node.h"

#include <algorithm>
#include <cctype>

namespace pellicle {

bool is_epoch_spi(uint32_t spi) {
  return (spi & 0xf000000f) == 0x10000000;
}

bool is_boot_id(const std::string& text) {
  constexpr size_t kLength = 36;
  return text.size() == kLength && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c == '-' || std::isxdigit(c) != 0;
         });
}

std::optional<Cidr> Node::pod_cidr(Family family) const {
  for (const auto& cidr : pod_cidrs) {
    if (cidr.family() == family) return cidr;
  }
  return std::nullopt;
}

std::string Problem::to_string() const {
  return object + (field.empty() ? "" : " " + field) + ": " + sentence;
}

}  // namespace pellicle
