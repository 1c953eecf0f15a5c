#include "agent/kernel/netlink_batch.h"

namespace pellicle {

void NetlinkBatch::add(size_t operation, NetlinkMessage message) {
  messages_.push_back(std::move(message));
  owners_.push_back(operation);
}

void NetlinkBatch::settle(size_t operation, Outcome outcome) {
  outcomes_[operation] = std::move(outcome);
}

}  // namespace pellicle
