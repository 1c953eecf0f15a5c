// What this node has sent with: the guard against a nonce that comes twice.
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

// A state that sends under a pair key may be made once: who makes it again begins to count again,
// and with AES-GCM a number that comes twice gives the plain text away. So every pair key is
// written down before its state is made, and one that is needed again is not used: the node begins
// another epoch, whose generation makes every key another. One JSON file in the state directory, a
// tmpfs, so that it is as old as the kernel's states, and beside it a line for each key that came
// into use since ("<shared key> <pair's key>"); it holds fingerprints, never a key.
//
// A generation is 0 where this node's Node tells of an earlier boot: nothing was sent in this one.
// Otherwise it is the number of milliseconds since the boot, which no earlier process had.
class KeyUse {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Clock {  // what time it is
    Time now;
    uint64_t since_boot = 0;  // ms, of CLOCK_BOOTTIME
  };

  // Reads `directory`/keys.json. A file that cannot be read as one counts as lost.
  KeyUse(std::string directory, std::string boot_id);

  // Fills in inputs.sender, everything else being known, and computes what is desired. Begins an
  // epoch where there is none, where another node has its SPI, or where a key would be used again;
  // ends those that nobody needs. On return the file says so. Throws std::system_error when it
  // cannot be written: then no state may be made.
  Desired prepare(Inputs& inputs, const Clock& clock);

  // The same for a plan that changes one peer's states, the sender being as it was: writes down
  // what it makes. False, and nothing is written: a key would be used again. Throws as prepare().
  bool permit(const Inputs& inputs, const Plan& plan);

  // Not to be used again, whatever id it comes back under.
  void retired(const IpsecKey& key);

  // The kernel refused to make this state: its key may be used another time.
  void not_made(const Inputs& inputs, const Change<State>& change);

  const std::vector<Epoch>& epochs() const { return record_.epochs; }

  // A pass is wanted by then: an epoch is being announced, or one is about to end.
  const std::optional<Time>& due() const { return due_; }
  const std::string& boot_id() const { return boot_id_; }

 private:
  struct Record {
    std::vector<Epoch> epochs;
    // Of the newest epoch, by the shared key's fingerprint: those of the pairs' keys.
    std::map<uint64_t, std::set<uint64_t>> used;
    std::set<uint64_t> spent;  // shared keys that were retired
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
  bool loaded_ = false;  // the file is of this boot
  bool begun_ = false;   // it was settled what goes on
  Record record_;
  Record saved_;
  uint32_t announced_spi_ = 0;  // of the newest epoch, once its Node shows it
  std::optional<Time> announced_since_;
  std::optional<Time> unneeded_since_;  // older epochs are used no more
  std::optional<Time> due_;
};

}  // namespace pellicle
