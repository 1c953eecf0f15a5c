// Random clusters, changes of them, and random rubbish left in a kernel.
#pragma once

#include <random>
#include <variant>

#include "tests/harness/memory_kernel/memory_kernel.h"

namespace pellicle {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t below(size_t limit) { return engine_() % limit; }
  bool chance(size_t percent) { return below(100) < percent; }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

// Something became known: the latest word on one object.
struct NodeEvent {
  std::string name;
  std::optional<Node> node;  // none: deleted
};
struct KeyEvent {
  std::optional<IpsecKey> key;
};
struct PodEvent {
  std::string id;
  std::optional<Endpoint> endpoint;
};
using Event = std::variant<NodeEvent, KeyEvent, PodEvent>;

std::string object_of(const Event& event);   // events on one object keep their order
Event random_event(Random& random);          // about any object, this node among them
Event random_foreign_event(Random& random);  // about anything but this node's own Node
std::vector<Event> random_events(Random& random, size_t count);

// One node: what it was told, and its kernel.
struct World {
  World();
  void happen(const Event& event);
  KernelState desired();  // for what was told and what the host is now
  // One pass as the agent makes it: reconcile, then publish the router address on the own Node.
  std::vector<Refusal> pass();
  void settle();  // passes until nothing differs

  Inputs inputs;
  MemoryKernel kernel;
};

// Drops and scrambles objects at random.
void scramble(Random& random, KernelState& state);

}  // namespace pellicle
