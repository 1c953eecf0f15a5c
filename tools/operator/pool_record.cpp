#include "tools/operator/pool_record.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace pellicle {
namespace {

// Limits the memory that a damaged text can cost to that of a large cluster.
constexpr uint64_t kMostRead = 1U << 20;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) all.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

std::string range_text(const CidrPool& pool, uint64_t first, uint64_t count) {
  return pool.at(first).to_string() + "+" + std::to_string(count);
}

// The part for one pool.
std::string used_text(const CidrPool& pool, const std::set<Cidr>& used) {
  std::set<uint64_t> indexes;
  for (const auto& cidr : used) {
    if (const auto index = pool.index_of(cidr)) indexes.insert(*index);
  }
  std::string text;
  for (auto next = indexes.begin(); next != indexes.end();) {
    const auto first = *next;
    uint64_t count = 0;
    while (next != indexes.end() && *next == first + count) {
      ++next;
      ++count;
    }
    text += (text.empty() ? "" : " ") + range_text(pool, first, count);
  }
  return text;
}

const CidrPool* pool_of(const std::vector<CidrPool>& pools, const Cidr& cidr) {
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [&](const CidrPool& pool) { return pool.has(cidr); });
  return found == pools.end() ? nullptr : &*found;
}

}  // namespace

std::string used_text(const std::vector<CidrPool>& pools, const std::set<Cidr>& used) {
  std::string text;
  for (const auto& pool : pools) {
    const auto part = used_text(pool, used);
    text += (text.empty() || part.empty() ? "" : " ") + part;
  }
  return text;
}

std::string freed_text(const std::vector<FreedCidr>& oldest_first) {
  std::string text;
  const size_t left_out = oldest_first.size() - std::min(oldest_first.size(), kMostFreed);
  for (size_t i = left_out; i < oldest_first.size(); ++i) {
    const auto& [cidr, node] = oldest_first[i];
    text += (text.empty() ? "" : " ") + cidr.to_string() + "=" + node;
  }
  return text;
}

std::set<Cidr> read_used(const std::vector<CidrPool>& pools, std::string_view text) {
  std::set<Cidr> used;
  for (const auto word : words(text)) {
    const auto plus = std::min(word.find('+'), word.size());
    const auto first = Cidr::parse(std::string(word.substr(0, plus)));
    const auto* pool = first ? pool_of(pools, *first) : nullptr;
    uint64_t count = 0;
    const auto* end = word.data() + word.size();
    const auto* digits = word.data() + std::min(plus + 1, word.size());
    if (pool == nullptr || std::from_chars(digits, end, count).ptr != end) continue;
    const auto index = *pool->index_of(*first);
    const auto room = std::min(pool->size() - index, kMostRead - used.size());
    for (uint64_t i = 0; i < std::min(count, room); ++i) used.insert(pool->at(index + i));
  }
  return used;
}

std::vector<FreedCidr> read_freed(const std::vector<CidrPool>& pools, std::string_view text) {
  std::vector<FreedCidr> freed;
  for (const auto word : words(text)) {
    const auto equals = std::min(word.find('='), word.size());
    const auto cidr = Cidr::parse(std::string(word.substr(0, equals)));
    if (!cidr || pool_of(pools, *cidr) == nullptr) continue;
    freed.emplace_back(*cidr, word.substr(std::min(equals + 1, word.size())));
  }
  return freed;
}

}  // namespace pellicle
