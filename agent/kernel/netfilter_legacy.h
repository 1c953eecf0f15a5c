// The legacy tables, through iptables-legacy's programs: they alone exchange whole tables with the
// kernel in its own form.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "agent/kernel/command.h"
#include "agent/kernel/netfilter_backend.h"
#include "agent/kernel/netfilter_watch.h"

namespace pellicle {

class LegacyTables : public NetfilterBackend {
 public:
  const char* name() const override { return "iptables-legacy"; }

  // Runs no program when the lock of the tables was not used since the last look. After kTrust it
  // does anyway, because some programs write without the lock.
  bool look() override;
  static constexpr std::chrono::minutes kTrust{10};

  Outcome write(const NetfilterChain::Key& key, const NetfilterChain& wanted) override;
  // With one run of the program, each chain in its own commit.
  Outcome write_together(const std::vector<const Change<NetfilterChain>*>& changes) override;
  Outcome remove(const NetfilterChain::Key& key) override;

 private:
  bool read(Family family);
  void wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  template <class Input>
  Outcome restore(const NetfilterChain::Key& key, const Input& input);

  // Lines for iptables-restore that delete the jumps to each chain.
  std::map<NetfilterChain::Key, std::string> jumps_;
  std::optional<NetfilterLockWatch> lock_;
  std::optional<std::chrono::steady_clock::time_point> looked_;  // when the tables were last read
};

// "" for success, else the tool's messages, which may have several lines, as one line of at most
// 300 characters. EOPNOTSUPP for "can't initialize iptables table `raw'" and "unable to initialize
// table 'raw'".
Outcome outcome_of(const CommandResult& result);

}  // namespace pellicle
