// What a Node announces about its keys per pair: boot id, epochs, and which epochs of others it
// receives.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/kube/decode_fields.h"

namespace pellicle {

namespace {

using nlohmann::json;

std::optional<std::string> text(const json& annotations, std::string_view name) {
  if (!annotations.is_object()) return std::nullopt;
  const auto found = annotations.find(std::string(name));
  if (found == annotations.end() || !found->is_string()) return std::nullopt;
  auto value = found->get<std::string>();
  return value.empty() ? std::nullopt : std::optional(std::move(value));
}

std::string field(std::string_view name) {
  return "metadata.annotations[" + std::string(name) + "]";
}

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// "0x10a018a0"
std::optional<uint32_t> spi(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  const auto value = number<uint32_t>(text.substr(2), 16);
  return value && is_epoch_spi(*value) ? value : std::nullopt;
}

// "0x10a018a0/4711"
std::optional<Epoch> epoch(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto of = spi(text.substr(0, slash));
  const auto generation = number<uint64_t>(text.substr(slash + 1), 10);
  if (!of || !generation) return std::nullopt;
  return Epoch{.spi = *of, .generation = *generation};
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  while (true) {
    const auto start = text.find_first_not_of(' ');
    if (start == std::string_view::npos) return all;
    text.remove_prefix(start);
    const auto end = std::min(text.find(' '), text.size());
    all.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

void read_boot_id(const json& annotations, Reader& reader) {
  const auto value = text(annotations, kBootIdAnnotation);
  if (!value) return;
  if (is_boot_id(*value)) {
    reader.out.node.boot_id = *value;
  } else {
    reader.refuse(NodeField::boot_id, field(kBootIdAnnotation),
                  "36 hex digits and dashes, as in /proc/sys/kernel/random/boot_id");
  }
}

void read_epochs(const json& annotations, Reader& reader) {
  const auto value = text(annotations, kEpochsAnnotation);
  if (!value) return;
  std::vector<Epoch> epochs;
  for (const auto word : words(*value)) {
    const auto one = epoch(word);
    if (!one || epochs.size() == kMostEpochs) {
      return reader.refuse(NodeField::epochs, field(kEpochsAnnotation),
                           "at most " + std::to_string(kMostEpochs) +
                               " words such as 0x10a018a0/0, an SPI that ends in 0 and a "
                               "generation");
    }
    epochs.push_back(*one);
  }
  reader.out.node.epochs = std::move(epochs);
}

void read_receives(const json& annotations, Reader& reader) {
  const auto value = text(annotations, kReceivesAnnotation);
  if (!value) return;
  std::set<uint32_t> spis;
  for (const auto word : words(*value)) {
    const auto one = spi(word);
    if (!one) {
      return reader.refuse(NodeField::receives, field(kReceivesAnnotation),
                           "words such as 0x10a018a0, each an SPI that ends in 0");
    }
    spis.insert(*one);
  }
  reader.out.node.receives = std::move(spis);
}

}  // namespace

void read_pair_keys(const json& annotations, Reader& reader) {
  read_boot_id(annotations, reader);
  read_epochs(annotations, reader);
  read_receives(annotations, reader);
}

}  // namespace pellicle
