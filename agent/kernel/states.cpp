#include "agent/kernel/states.h"

#include <cerrno>

#include "agent/kernel/netlink_batch.h"
#include "agent/kernel/ownership.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "agent/model/contract.h"

namespace pellicle {

namespace {

// Packets that the kernel may have sent between reading the counter and deleting the state.
constexpr uint64_t kSentMeanwhile = 1U << 12;
// Packets that it may have sent since the last dump, with a state that another program deleted.
constexpr uint64_t kSentSinceDump = 1U << 20;

// Result of the kernel's own lookup of a key (XFRM_MSG_GETSA). The kernel returns the first state
// whose mark matches, which may be another program's.
struct Found {
  bool any = false;
  bool ours = false;
  bool placeholder = false;
  bool same_key = false;
  uint64_t sent = 0;
};

// Looks up the changes with the indexes in `which`.
std::vector<Found> look_up(NetlinkSocket& socket, std::span<const Change<State>> changes,
                           const std::vector<size_t>& which) {
  std::vector<Found> found(changes.size());
  std::vector<NetlinkMessage> messages;
  messages.reserve(which.size());
  for (const size_t i : which) messages.push_back(encode_get_state(changes[i].key));
  socket.batch(messages, [&](size_t request, const nlmsghdr& message) {
    auto& entry = found[which[request]];
    const auto& change = changes[which[request]];
    entry.placeholder = is_placeholder(message, change.key, change.value.reqid);
    entry.any = !entry.placeholder;
    const auto state = decode_state(message);
    if (!state || state->key != change.key) return;
    entry.ours = is_ours(state->key, state->value);
    entry.sent = state->sent;
    entry.same_key = same_algorithm(state->value.algorithm, change.value.algorithm);
  });
  return found;
}

std::vector<Found> look_up_known(NetlinkSocket& socket, std::span<const Change<State>> changes) {
  std::vector<size_t> known;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].action != Action::add) known.push_back(i);
  }
  return look_up(socket, changes, known);
}

uint64_t first_counter(const Found& found, const SendCounters& counters,
                       const Change<State>& change) {
  if (change.value.esn && !found.same_key) return 0;
  if (found.sent) return found.sent + kSentMeanwhile;
  const auto known = counters.find(change.key);
  return known == counters.end() || known->second == 0 ? 0 : known->second + kSentSinceDump;
}

// Replaces placeholders (see is_placeholder()) instead of waiting until the kernel removes them:
// traffic would create the next one, and the peer would stay unreachable as long as packets are
// sent to it.
void replace_placeholders(NetlinkSocket& socket, std::span<const Change<State>> changes,
                          const std::vector<uint64_t>& sent, std::vector<Outcome>& outcomes) {
  std::vector<size_t> taken;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (outcomes[i].error == EEXIST) taken.push_back(i);
  }
  if (taken.empty()) return;
  const auto found = look_up(socket, changes, taken);
  for (const size_t i : taken) {
    if (!found[i].placeholder) continue;
    outcomes[i] =
        socket.request(encode_state_over_placeholder(changes[i].key, changes[i].value, sent[i]));
  }
}

}  // namespace

void dump_states(NetlinkSocket& socket, SendCounters& counters, Received& received,
                 KernelState& into) {
  received.clear();
  for (auto& state : socket.dump(state_dump(), decode_state)) {
    if (!is_ours(state.key, state.value)) continue;
    counters[state.key] = state.sent;
    received[key_id_of(state.key)] += state.key.mark == kDecryptMark ? state.packets : 0;
    into.states.emplace(state.key, std::move(state.value));
  }
}

std::vector<Outcome> apply_states(NetlinkSocket& socket, SendCounters& counters,
                                  std::span<const Change<State>> changes) {
  const auto found = look_up_known(socket, changes);
  NetlinkBatch batch(changes.size());
  std::vector<uint64_t> sent(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [action, key, value] = changes[i];
    if (found[i].any && !found[i].ours) {
      batch.settle(i, {EBUSY, "a state of somebody else stands before it"});
      continue;
    }
    if (found[i].any) batch.add(i, encode_delete_state(key));
    if (action == Action::remove) continue;
    sent[i] = first_counter(found[i], counters, changes[i]);
    batch.add(i, encode_new_state(key, value, sent[i]));
  }
  auto outcomes = batch.send(socket, [](size_t, int error) { return error == ESRCH; });
  replace_placeholders(socket, changes, sent, outcomes);
  return outcomes;
}

}  // namespace pellicle
