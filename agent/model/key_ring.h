// The keys that a node holds while it rotates from one to the next. Pure: time is passed in.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/model/key.h"

namespace pellicle {

// The newest key is the Secret's. An older key stays until every node has announced a newer one and
// nothing has been received with it for a while. Of a key that an earlier process used, only the id
// may be known: the Secret's key cannot be recovered from pair keys.
class KeyRing {
 public:
  using Time = std::chrono::steady_clock::time_point;

  const std::optional<IpsecKey>& newest() const { return newest_; }
  const std::vector<IpsecKey>& older() const { return older_; }  // oldest first
  const std::set<uint8_t>& inherited() const { return inherited_; }
  bool empty() const { return !newest_ && inherited_.empty(); }
  bool rotating() const { return !older_.empty() || !inherited_.empty(); }

  // Starts from the keys that the kernel holds. No effect once a key was taken.
  void resume(std::vector<IpsecKey> known, std::set<uint8_t> ids_only);

  // Offers the Secret's key. Returns "" if it is now the newest; otherwise the reason, and which
  // key stays in use: same id with another key or form, a shorter key, or an id still in use.
  std::string take(const IpsecKey& key);

  // What is known of all nodes, including this one, at one moment.
  struct Observation {
    Time now;
    std::map<std::string, std::optional<uint8_t>> announced;  // Node name -> key id
    // Key id -> packets received so far, for every id that the kernel has states of.
    std::map<uint8_t, uint64_t> received;
  };
  // Retires and returns every older key that no node has needed for `patience`.
  std::vector<IpsecKey> retire(const Observation& seen, std::chrono::milliseconds patience);

  // The nodes that prevent the key from being retired, as of the last observation.
  std::vector<std::string> lacking(uint8_t id) const;
  std::set<uint8_t> older_ids() const;  // including inherited ones
  // When the newest key became the newest; nullopt: before this process started.
  const std::optional<Time>& rotated() const { return rotated_; }
  void note_time(Time now);  // time of the last take() that changed something

  bool operator==(const KeyRing&) const = default;

 private:
  struct Rest {
    uint64_t received = 0;
    Time since;  // since then nothing was received and every node has announced a newer key
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
