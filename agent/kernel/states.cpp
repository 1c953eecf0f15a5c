#include "agent/kernel/states.h"

#include <cerrno>

#include "agent/kernel/netlink_batch.h"
#include "agent/kernel/ownership.h"
#include "agent/kernel/xfrm_state_codec.h"

namespace pellicle {

namespace {

// Packets that may have been sent between reading the counter and deleting the state.
constexpr uint64_t kSentMeanwhile = 1U << 12;
// The same since the last dump, for a state that somebody else deleted.
constexpr uint64_t kSentSinceDump = 1U << 20;

// What a lookup of the kernel's own finds for the key. It takes the first state whose mark agrees,
// so that can be somebody else's.
struct Found {
  bool any = false;
  bool ours = false;
  uint64_t sent = 0;
};

std::vector<Found> look_up(NetlinkSocket& socket, std::span<const Change<State>> changes) {
  std::vector<Found> found(changes.size());
  std::vector<NetlinkMessage> messages;
  std::vector<size_t> owners;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].action == Action::add) continue;
    messages.push_back(encode_get_state(changes[i].key));
    owners.push_back(i);
  }
  socket.batch(messages, [&](size_t request, const nlmsghdr& message) {
    auto& entry = found[owners[request]];
    entry.any = true;
    const auto state = decode_state(message);
    if (!state || state->key != changes[owners[request]].key) return;
    entry.ours = is_ours(state->key, state->value);
    entry.sent = state->sent;
  });
  return found;
}

uint64_t first_counter(const SendCounters& counters, const State::Key& key) {
  const auto known = counters.find(key);
  return known == counters.end() || known->second == 0 ? 0 : known->second + kSentSinceDump;
}

}  // namespace

void dump_states(NetlinkSocket& socket, SendCounters& counters, KernelState& into) {
  for (auto& state : socket.dump(state_dump(), decode_state)) {
    if (!is_ours(state.key, state.value)) continue;
    counters[state.key] = state.sent;
    into.states.emplace(state.key, std::move(state.value));
  }
}

std::vector<Outcome> apply_states(NetlinkSocket& socket, SendCounters& counters,
                                  std::span<const Change<State>> changes) {
  const auto found = look_up(socket, changes);
  NetlinkBatch batch(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [action, key, value] = changes[i];
    if (found[i].any && !found[i].ours) {
      batch.settle(i, {EBUSY, "a state of somebody else stands before it"});
      continue;
    }
    if (found[i].any) batch.add(i, encode_delete_state(key));
    if (action == Action::remove) continue;
    const auto sent = found[i].sent ? found[i].sent + kSentMeanwhile : first_counter(counters, key);
    batch.add(i, encode_new_state(key, value, sent));
  }
  return batch.send(socket, [](size_t, int error) { return error == ESRCH; });
}

}  // namespace pellicle
