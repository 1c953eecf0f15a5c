#include "tools/ctl/encrypt.h"

#include <unistd.h>

#include <iostream>

#include "agent/kernel/linux_kernel.h"
#include "agent/kernel/xfrm_errors.h"
#include "agent/reconcile/plan.h"
#include "agent/status/encryption.h"
#include "tools/ctl/agent_socket.h"
#include "tools/ctl/confirmation.h"
#include "tools/ctl/encrypt_text.h"
#include "tools/ctl/esp_sa.h"
#include "tools/ctl/exit.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

// What the kernel alone knows: no names of peers, and not what is desired.
Json encryption_of_kernel() {
  LinuxKernel kernel({});
  return encryption_json({.states = kernel.observe_states(),
                          .interfaces = decryption_interfaces(kernel.dump()),
                          .errors = xfrm_errors(),
                          .now = std::chrono::system_clock::now()});
}

struct Encryption {
  Json facts;
  bool from_agent = true;
};

// Does not bypass an agent that hangs, because the agent is the only writer.
Encryption read_encryption(const std::string& socket) {
  try {
    return {.facts = ask(socket, "encrypt")};
  } catch (const Silent&) {
    throw;
  } catch (const Unreachable& error) {
    std::cerr << "pellicle: " << error.what()
              << "; this is what the kernel alone tells, without the peers' names\n";
    return {.facts = encryption_of_kernel(), .from_agent = false};
  }
}

Json chosen_states(const EncryptOptions& options, const Json& encryption) {
  Json chosen = Json::array();
  for (const auto& state : encryption.at("states")) {
    if (options.spi && state.value("spi", 0ULL) != *options.spi) continue;
    if (options.stale && !state.value("stale", false)) continue;
    chosen.push_back(state);
  }
  return chosen;
}

Json flush_kernel(const Json& chosen) {
  LinuxKernel kernel({});
  const auto named = named_states({{"states", chosen}});
  const Plan removal = removal_of(named, kernel.dump());
  return flush_json(removal, kernel.apply(removal));
}

const char* consequence(bool from_agent) {
  return from_agent ? "The agent makes anew at once what is desired; packets that need it "
                      "meanwhile are dropped and counted."
                    : "No agent runs that could make them anew: pod packets that need them are "
                      "dropped until one does, and what the states have counted is lost; with one "
                      "key for all nodes, rotate the key before the agent starts.";
}

int show_flushed(const EncryptOptions& options, const Json& result) {
  if (options.json) {
    std::cout << result.dump(2) << "\n";
  } else {
    for (const auto& line : result.at("removed")) std::cout << line.get<std::string>() << "\n";
    for (const auto& line : result.at("failures")) {
      std::cerr << "pellicle: still there: " << line.get<std::string>() << "\n";
    }
  }
  return result.at("failures").empty() ? kOk : kDegraded;
}

}  // namespace

int show_encryption(const EncryptOptions& options) {
  const auto encryption = read_encryption(options.socket).facts;
  std::cout << (options.json ? encrypt_json(encryption).dump(2) + "\n"
                             : encrypt_text(encryption, options.verbose));
  return kOk;
}

int flush_encryption(const EncryptOptions& options) {
  const auto [encryption, from_agent] = read_encryption(options.socket);
  if (options.stale && !from_agent) {
    std::cerr << "pellicle: which states are stale is known to the agent alone, and none runs\n";
    return kUnreachable;
  }
  const auto chosen = chosen_states(options, encryption);
  if (chosen.empty()) {
    if (options.json) return show_flushed(options, flush_json({}, {}));
    std::cout << "no such state: nothing to remove\n";
    return kOk;
  }
  if (!options.force) {
    std::cerr << "These states are removed:\n" << state_list(chosen);
    if (!confirmed("encrypt flush", consequence(from_agent))) return kUsage;
  }
  const auto result = from_agent ? ask(options.socket, "encrypt-flush", {{"states", chosen}})
                                 : flush_kernel(chosen);
  return show_flushed(options, result);
}

int export_for_wireshark(const EncryptOptions& options) {
  if (geteuid() != 0) {
    std::cerr << "pellicle: the keys are shown to root only\n";
    return kUsage;
  }
  if (!options.force) {
    if (isatty(STDOUT_FILENO) != 1) {
      std::cerr << "pellicle: the keys are written to a terminal only; --force writes them "
                   "anywhere\n";
      return kUsage;
    }
    if (!confirmed("encrypt export",
                   "This shows the keys of this node's ESP states: who reads them can read and "
                   "forge its pods' packets until the key is rotated.")) {
      return kUsage;
    }
  }
  LinuxKernel kernel({});
  const auto states = kernel.observe_states();
  if (states.empty()) {
    std::cerr << "pellicle: there is no ESP state of Pellicle's on this node\n";
    return kDegraded;
  }
  return write_esp_sa(states, std::cout, std::cerr) ? kOk : kDegraded;
}

}  // namespace pellicle::ctl
