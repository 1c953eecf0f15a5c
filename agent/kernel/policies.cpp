#include "agent/kernel/policies.h"

#include <cerrno>

#include "agent/kernel/netlink_batch.h"
#include "agent/kernel/ownership.h"
#include "agent/kernel/xfrm_policy_codec.h"

namespace pellicle {

namespace {

NetlinkMessage message_for(const Change<Policy>& change) {
  switch (change.action) {
    case Action::add:
      return encode_new_policy(change.key, change.value);
    case Action::replace:
      return encode_update_policy(change.key, change.value);
    case Action::remove:
      break;
  }
  return encode_delete_policy(change.key);
}

}  // namespace

void dump_policies(NetlinkSocket& socket, KernelState& into) {
  for (auto& policy : socket.dump(policy_dump(), decode_policy)) {
    if (is_block_policy(policy.key, policy.value)) {
      into.block_policies.emplace(policy.key, policy.value);
    } else if (is_ours(policy.key, policy.value)) {
      into.policies.emplace(policy.key, policy.value);
    }
  }
}

std::vector<Outcome> apply_policies(NetlinkSocket& socket,
                                    std::span<const Change<Policy>> changes) {
  NetlinkBatch batch(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) batch.add(i, message_for(changes[i]));
  return batch.send(socket, [&](size_t i, int error) {
    return changes[i].action == Action::remove && error == ENOENT;
  });
}

}  // namespace pellicle
