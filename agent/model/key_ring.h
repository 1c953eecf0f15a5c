// The keys that a node holds while it moves from one to the next. Pure: time comes in as a value.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/model/key.h"

namespace pellicle {

// The newest key is the Secret's. An older one stays until every node has announced a newer one and
// nothing has been received with it for a while. Of a key that a former process had only the id may
// be known: pair keys cannot be turned back into the one they are derived from.
class KeyRing {
 public:
  using Time = std::chrono::steady_clock::time_point;

  const std::optional<IpsecKey>& newest() const { return newest_; }
  const std::vector<IpsecKey>& older() const { return older_; }  // oldest first
  const std::set<uint8_t>& inherited() const { return inherited_; }
  bool empty() const { return !newest_ && inherited_.empty(); }
  bool rotating() const { return !older_.empty() || !inherited_.empty(); }

  // What a kernel holds at the start. Without effect once a key was taken.
  void resume(std::vector<IpsecKey> known, std::set<uint8_t> ids_only);

  // The Secret's key. Empty: it is the newest now. Otherwise why it cannot be, and what goes on:
  // the same id with another key or form, a shorter key, an id that is not free yet.
  std::string take(const IpsecKey& key);

  // What is known of all nodes, this one included, at one moment.
  struct Observation {
    Time now;
    std::map<std::string, std::optional<uint8_t>> announced;  // Node name -> key id
    // Key id -> packets received so far; every id is there that the kernel has states of.
    std::map<uint8_t, uint64_t> received;
  };
  // Retires every older key that nobody has needed for `patience`; which they are.
  std::vector<IpsecKey> retire(const Observation& seen, std::chrono::milliseconds patience);

  // The nodes that stand in the way of retiring the key, as of the last observation.
  std::vector<std::string> lacking(uint8_t id) const;
  std::set<uint8_t> older_ids() const;  // inherited ones among them
  // Since when the newest is the newest; none: since before this process.
  const std::optional<Time>& rotated() const { return rotated_; }
  void note_time(Time now);  // of the last take() that changed something

  bool operator==(const KeyRing&) const = default;

 private:
  struct Rest {
    uint64_t received = 0;
    Time since;  // nothing was received and nobody lacked a newer key
    std::vector<std::string> lacking;
    bool operator==(const Rest&) const = default;
  };
  std::string reason_to_refuse(const IpsecKey& key) const;
  bool newer(uint8_t announced, uint8_t id) const;
  std::vector<IpsecKey> drop(const std::set<uint8_t>& ids);

  std::optional<IpsecKey> newest_;
  std::vector<IpsecKey> older_;
  std::set<uint8_t> inherited_;
  std::map<uint8_t, Rest> rest_;
  std::optional<Time> rotated_;
  bool changed_ = false;
};

}  // namespace pellicle
