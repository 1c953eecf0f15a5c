#include "agent/model/key_ring.h"

#include <algorithm>
#include <utility>

namespace pellicle {

namespace {

constexpr const char* kStays = "; the key before it stays in use";

std::string number(size_t value) {
  return std::to_string(value);
}

}  // namespace

void KeyRing::resume(std::vector<IpsecKey> known, std::set<uint8_t> ids_only) {
  if (!empty() || rotating()) return;
  inherited_ = std::move(ids_only);
  if (known.size() == 1 && inherited_.empty()) {
    newest_ = std::move(known.front());  // the only key continues without a Secret
    return;
  }
  older_ = std::move(known);
}

std::string KeyRing::reason_to_refuse(const IpsecKey& key) const {
  if (newest_ && newest_->id == key.id) {
    if (newest_->per_pair != key.per_pair && newest_->algorithm == key.algorithm) {
      return "the + after the id came or went but the id " + number(key.id) +
             " did not change; increment the key id" + kStays;
    }
    return "the key has changed but its id " + number(key.id) + " has not; increment the key id" +
           kStays;
  }
  const auto same_id = [&](const IpsecKey& other) { return other.id == key.id; };
  const auto found = std::find_if(older_.begin(), older_.end(), same_id);
  if (found != older_.end() && *found != key) {
    return "key id " + number(key.id) +
           " is still in use with another key; it is taken once no node needs that one, or "
           "choose another id" +
           kStays;
  }
  if (newest_ && cipher_key_bytes(key.algorithm) < cipher_key_bytes(newest_->algorithm)) {
    return "the encryption key is " + number(cipher_key_bytes(key.algorithm)) +
           " bytes, shorter than the " + number(cipher_key_bytes(newest_->algorithm)) + " of key " +
           number(newest_->id) + kStays;
  }
  return "";
}

std::string KeyRing::take(const IpsecKey& key) {
  if (newest_ == key) return "";
  if (newest_ && inherited_.contains(key.id)) {
    return "key id " + number(key.id) +
           " is still in use from before the agent's restart; it is taken once no node needs it, "
           "or choose another id" +
           kStays;
  }
  if (auto reason = reason_to_refuse(key); !reason.empty()) return reason;
  inherited_.erase(key.id);
  std::erase_if(older_, [&](const IpsecKey& other) { return other.id == key.id; });
  if (newest_) older_.push_back(*newest_);
  rest_.clear();
  newest_ = key;
  changed_ = true;
  return "";
}

void KeyRing::note_time(Time now) {
  if (!std::exchange(changed_, false)) return;
  rotated_ = now;
}

std::set<uint8_t> KeyRing::older_ids() const {
  auto ids = inherited_;
  for (const auto& key : older_) ids.insert(key.id);
  return ids;
}

// Is the announced key newer than this one? False for an announced key that is not held here.
bool KeyRing::newer(uint8_t announced, uint8_t id) const {
  if (newest_ && newest_->id == announced) return true;
  const auto position = [&](uint8_t of) {
    const auto found = std::find_if(older_.begin(), older_.end(),
                                    [&](const IpsecKey& key) { return key.id == of; });
    return found == older_.end() ? -1 : found - older_.begin();
  };
  return position(announced) > position(id);
}

std::vector<IpsecKey> KeyRing::drop(const std::set<uint8_t>& ids) {
  std::vector<IpsecKey> dropped;
  for (const auto& key : older_) {
    if (ids.contains(key.id)) dropped.push_back(key);
  }
  std::erase_if(older_, [&](const IpsecKey& key) { return ids.contains(key.id); });
  std::erase_if(inherited_, [&](uint8_t id) { return ids.contains(id); });
  std::erase_if(rest_, [&](const auto& entry) { return ids.contains(entry.first); });
  return dropped;
}

std::vector<IpsecKey> KeyRing::retire(const Observation& seen, std::chrono::milliseconds patience) {
  note_time(seen.now);
  std::set<uint8_t> done;
  for (const uint8_t id : older_ids()) {
    if (inherited_.contains(id) && !seen.received.contains(id)) {
      done.insert(id);  // the kernel has no state of it, and none can be made without its bytes
      continue;
    }
    auto [at, first] = rest_.try_emplace(id, Rest{.received = 0, .since = seen.now, .lacking = {}});
    auto& rest = at->second;
    rest.lacking.clear();
    for (const auto& [name, announced] : seen.announced) {
      if (!announced || !newer(*announced, id)) rest.lacking.push_back(name);
    }
    const auto counted = seen.received.find(id);
    const uint64_t received = counted == seen.received.end() ? 0 : counted->second;
    const bool needed = first || !rest.lacking.empty() || received != rest.received;
    rest.received = received;
    if (needed) {
      rest.since = seen.now;
    } else if (seen.now - rest.since >= patience) {
      done.insert(id);
    }
  }
  return drop(done);
}

std::vector<std::string> KeyRing::lacking(uint8_t id) const {
  const auto found = rest_.find(id);
  return found == rest_.end() ? std::vector<std::string>{} : found->second.lacking;
}

}  // namespace pellicle
