// Records which keys this node has sent with: the guard against repeated nonces.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/files/journal.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// A state that sends under a pair key may be made only once: recreating it restarts its counter,
// and with AES-GCM a repeated sequence number reveals the plain text. So every pair key is recorded
// before its state is made. A key needed a second time is not used: the node begins another epoch,
// whose generation changes every key. The record is one JSON file in the state directory, a tmpfs,
// so that it lives as long as the kernel's states; and next to it a line for each key taken into
// use since ("<shared key> <pair's key>"). It holds fingerprints, never a key.
//
// A generation is 0 if this node's Node shows an earlier boot: nothing was sent in this one.
// Otherwise it is the number of milliseconds since boot, which no earlier process used.
class KeyUse {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Clock {  // the current time
    Time now;
    uint64_t since_boot = 0;  // ms, CLOCK_BOOTTIME
  };

  // Reads `directory`/keys.json. An unreadable file counts as lost.
  KeyUse(std::string directory, std::string boot_id);

  // Sets inputs.sender (everything else must be known) and computes the desired state. Begins an
  // epoch if there is none, if another node has its SPI, or if a key would be used again. Ends
  // epochs that are no longer needed. On return all of this is in the file. Throws
  // std::system_error if it cannot be written: then no state may be made.
  Desired prepare(Inputs& inputs, const Clock& clock);

  // The same for a plan that changes one peer's states and not the sender: records the keys that it
  // takes into use. Returns false and records nothing if a key would be used again. Throws like
  // prepare().
  bool permit(const Inputs& inputs, const Plan& plan);

  // What prepare() would decide, for a preview: works on a copy, and writes nothing. The calls to
  // one copy follow each other as those to prepare() do.
  KeyUse copy_that_writes_nothing() const;

  // Whether the programmed sending states with the key's id were made with this key (true) or with
  // another. nullopt: the record does not tell. The states' keys alone cannot: a pair's key changes
  // when the peer reboots, which may have happened while no agent ran.
  std::optional<bool> made_with(const IpsecKey& key, const Table<State>& programmed) const;

  // The key must not be used again, whatever id it returns under.
  void retired(const IpsecKey& key);

  // The kernel refused to make this state: its key may be used later.
  void not_made(const Inputs& inputs, const Change<State>& change);

  const std::vector<Epoch>& epochs() const { return record_.epochs; }

  // When a pass is needed next: an epoch is being announced, or one is about to end.
  const std::optional<Time>& due() const { return due_; }
  const std::string& boot_id() const { return boot_id_; }

 private:
  struct Record {
    std::vector<Epoch> epochs;
    // For the newest epoch: fingerprint of the shared key -> fingerprints of the pair keys.
    std::map<uint64_t, std::set<uint64_t>> used;
    std::set<uint64_t> spent;  // retired shared keys
    bool operator==(const Record&) const = default;
  };
  void load();
  void save();
  bool was_used(uint64_t shared, uint64_t pair) const;
  void append(const std::vector<std::pair<uint64_t, uint64_t>>& taken);
  void begin(const Inputs& inputs, const IpAddress& router, const Clock& clock);
  void begin_next(const Inputs& inputs, const IpAddress& router, const Clock& clock);
  void end_unneeded(const Inputs& inputs, const Clock& clock);
  bool settled(const Inputs& inputs, const Clock& clock);
  bool take_into_use(const Inputs& inputs, const Table<State>& desired);

  std::string directory_;
  Journal journal_;
  std::string boot_id_;
  bool writes_ = true;
  bool loaded_ = false;  // the file is from this boot
  bool begun_ = false;   // begin() has run
  Record record_;
  Record saved_;
  uint32_t announced_spi_ = 0;  // of the newest epoch, once this node's Node shows it
  std::optional<Time> announced_since_;
  std::optional<Time> unneeded_since_;  // since then older epochs are unused
  std::optional<Time> due_;
};

}  // namespace pellicle
