// What this node must have in its kernel, from everything that is known at the moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/last_pass.h"
#include "agent/core/narrow_paths.h"
#include "agent/desired/peer_change.h"
#include "agent/ipam/endpoints.h"
#include "agent/keys/key_use.h"
#include "agent/kube/store.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle {

// A pass takes at most this many steps: the second switches to what the first prepared, or holds
// back destinations whose policy the kernel refused; the third removes what the second replaced.
inline constexpr int kMostSteps = 3;

// One step from what the kernel holds to what it must hold.
struct Step {
  // nullopt: the API server has not listed everything yet, and `plan` repairs only what needs no
  // knowledge of the cluster.
  std::optional<Inputs> inputs;
  Desired desired;
  Scope scope = Scope::everything;
  Plan plan;
};

// The step for the change of one other node's Node.
struct PeerStep {
  PeerChange change;
  Plan plan;
};

// A pass asks next(), `pellicle diff` asks preview(), and the change of one peer next_of_peer().
// All three are the same computation. Only apply() writes to the kernel.
class Core {
 public:
  using Time = KeyUse::Time;
  struct Parts {
    Kernel& kernel;
    Store& store;
    KeyUse& keys;
    const Endpoints& endpoints;
    const NarrowPaths& paths;
  };
  using Now = std::function<KeyUse::Clock()>;

  // The parts must outlive the core. Tests have their own `now`.
  Core(Settings settings, const Parts& parts, Now now = machine_time);
  static KeyUse::Clock machine_time();

  // The next step of a pass. `actual` is the kernel's dump; its value on return is the same.
  // Records the keys that the step takes into use. Throws KernelError, or std::system_error when
  // they cannot be recorded: then the kernel must not be changed.
  Step next(KernelState& actual);
  // The kernel has taken the step's plan, except for `refusals`. Returns true when the pass needs
  // another step.
  bool took(Step step, std::vector<Refusal> refusals);

  // What the next pass does, all its steps, if the kernel refuses nothing new. Records nothing.
  // Throws KernelError.
  Plan preview();

  // The step for a Node that changed to `now` or was deleted (nullopt), without a dump. Returns
  // nullopt if it concerns more than that peer: then a pass has to run. Throws like next().
  std::optional<PeerStep> next_of_peer(const std::string& name, const std::optional<Node>& now);
  bool took(const PeerStep& step, const std::vector<Refusal>& refusals);  // false: run a pass

  // The only caller of Kernel::apply(). Throws KernelError.
  std::vector<Refusal> apply(const Plan& plan) { return parts_.kernel.apply(plan); }

  const LastPass& last() const { return last_; }
  // The kernel may hold something else than the last pass left.
  void doubt() { last_.settled = false; }
  // The kernel holds what the whole node depends on, and no peer waits for what this node has only
  // just announced.
  bool ready() const;
  // Additions only until the record of pods has been compared with the kernel: a working object is
  // never removed because an input is missing.
  Scope scope() const;
  // When time alone makes another pass necessary.
  std::optional<Time> due() const;
  // Problems of the cluster's objects and of what was computed from them.
  std::vector<Problem> problems() const;

  // The agent's own endpoint for health questions, which is not in the record of pods.
  void set_health_endpoint(std::optional<Endpoint> endpoint) { health_ = std::move(endpoint); }

 private:
  using Conclude = std::function<Desired(Inputs&)>;  // from inputs with `programmed`
  std::optional<Inputs> gather();
  void remember_self(ClusterSnapshot& snapshot);
  void keep_word(Inputs& inputs);
  void confirm_key(Inputs& inputs);
  Step step(KernelState& actual, Inputs inputs, const Conclude& conclude) const;
  Scope scope(const Desired& desired) const;
  void not_made(const std::vector<Refusal>& refusals);

  Settings settings_;
  Parts parts_;
  Now now_;
  LastPass last_;
  std::optional<Node> last_self_;  // as last seen; used when this Node was deleted by mistake
  std::optional<Endpoint> health_;
  // While this node withdraws its announcement of host encryption: when the API last showed it.
  std::optional<Time> taken_back_;
  std::optional<Time> word_ends_;
};

}  // namespace pellicle
