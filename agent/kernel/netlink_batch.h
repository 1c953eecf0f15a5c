// Sends the messages of many operations in one exchange with the kernel. An operation may have any
// number of messages, even none.
#pragma once

#include <vector>

#include "agent/kernel/netlink_socket.h"

namespace pellicle {

class NetlinkBatch {
 public:
  explicit NetlinkBatch(size_t operations) : outcomes_(operations) {}

  void add(size_t operation, NetlinkMessage message);
  void settle(size_t operation, Outcome outcome);  // sets an outcome without asking the kernel

  // Sends all messages. An operation's outcome is that of its first message that failed. An error
  // for which harmless(operation, error) is true counts as success.
  template <class Harmless>
  std::vector<Outcome> send(NetlinkSocket& socket, const Harmless& harmless) {
    const auto answers = socket.batch(messages_);
    for (size_t i = 0; i < answers.size(); ++i) {
      auto& outcome = outcomes_[owners_[i]];
      if (outcome.ok() && !answers[i].ok() && !harmless(owners_[i], answers[i].error)) {
        outcome = answers[i];
      }
    }
    return std::move(outcomes_);
  }

 private:
  std::vector<Outcome> outcomes_;
  std::vector<NetlinkMessage> messages_;
  std::vector<size_t> owners_;  // message -> operation
};

}  // namespace pellicle
