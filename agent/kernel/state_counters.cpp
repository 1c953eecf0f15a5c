#include "agent/kernel/state_counters.h"

#include <linux/xfrm.h>

#include "agent/kernel/ownership.h"
#include "agent/kernel/xfrm_state_codec.h"

namespace pellicle {

std::optional<ObservedState> decode_observed_state(const nlmsghdr& message) {
  auto state = decode_state(message);
  const auto info = header_of<xfrm_usersa_info>(message);
  if (!state || !info || !is_ours(state->key, state->value)) return std::nullopt;
  const Attributes attributes(message, sizeof(xfrm_usersa_info));
  StateCounters counters{.sent = state->sent,
                         .bytes = info->curlft.bytes,
                         .packets = info->curlft.packets,
                         .added = info->curlft.add_time,
                         .first_used = info->curlft.use_time,
                         .last_used = attributes.value<uint64_t>(XFRMA_LASTUSED).value_or(0),
                         .replayed = info->stats.replay,
                         .outside_window = info->stats.replay_window,
                         .integrity_failed = info->stats.integrity_failed};
  xfrm_replay_state_esn replay;
  if (attributes.read(XFRMA_REPLAY_ESN_VAL, replay)) {
    counters.received = uint64_t{replay.seq_hi} << 32 | replay.seq;
  } else if (const auto small = attributes.value<xfrm_replay_state>(XFRMA_REPLAY_VAL)) {
    counters.received = small->seq;
  }
  return ObservedState{state->key, std::move(state->value), counters};
}

std::vector<ObservedState> observe_states(NetlinkSocket& socket) {
  return socket.dump(state_dump(), decode_observed_state);
}

}  // namespace pellicle
