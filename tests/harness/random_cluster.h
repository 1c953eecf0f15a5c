// Random clusters, changes to them, and random garbage in a kernel. The Random's seed alone
// determines them.
#pragma once

#include <random>
#include <variant>

#include "agent/desired/desired.h"

namespace pellicle {

inline constexpr const char* kRandomSelf = "worker";  // this node's name

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t below(size_t limit) { return engine_() % limit; }
  bool chance(size_t percent) { return below(100) < percent; }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

// An update: the latest version of one object.
struct NodeEvent {
  std::string name;
  std::optional<Node> node;  // nullopt: deleted
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
Event random_event(Random& random);          // about any object, including this node
Event random_foreign_event(Random& random);  // about any object except this node's own Node
std::vector<Event> random_events(Random& random, size_t count);

// The same events in another possible order: the order per object is kept, the objects are mixed,
// some events come twice.
std::vector<Event> reordered(Random& random, const std::vector<Event>& events);
std::vector<Event> squashed(const std::vector<Event>& events);  // the last event of each object

Inputs inputs_before_events();
void hear(Inputs& inputs, const Event& event);
// After a pass the agent publishes its cilium_host address on its own Node.
void remember_router(Inputs& inputs);

// Drops and scrambles objects at random.
void scramble(Random& random, KernelState& state);

}  // namespace pellicle
