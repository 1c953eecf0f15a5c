// A netlink socket with an acknowledgement for every request: the kernel's errno and its sentence,
// dumps that are complete, and batches that cost few system calls.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netlink_message.h"
#include "agent/kernel/outcome.h"

struct nl_sock;

namespace pellicle {

// Throws OsError, with "<operation>: <sentence>", unless it is done.
void require(const Outcome& outcome, const std::string& operation);

class NetlinkSocket {
 public:
  // NETLINK_ROUTE or NETLINK_XFRM, in the network namespace of the calling thread. Throws OsError.
  explicit NetlinkSocket(int protocol);
  ~NetlinkSocket();
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;

  int fd() const;
  uint32_t port() const;  // what the kernel's notifications name as the origin of our changes

  using Visitor = std::function<void(size_t request, const nlmsghdr&)>;

  // Sends all messages, many to a system call, and returns one outcome for each, in order. `answer`
  // sees the messages other than acknowledgements (what a GET returns). Throws OsError when the
  // socket itself fails.
  std::vector<Outcome> batch(std::span<NetlinkMessage> messages, const Visitor& answer = {});
  Outcome request(NetlinkMessage message, const Visitor& answer = {});

  // All that `decode` (const nlmsghdr& -> std::optional<T>) makes of a dump's messages. A dump that
  // was interrupted by a change is repeated. Throws OsError.
  template <class Decode>
  auto dump(NetlinkMessage message, const Decode& decode) {
    using Result = typename decltype(decode(message.get()))::value_type;
    std::vector<Result> results;
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
      results.clear();
      const bool complete = dump_once(message, [&](size_t, const nlmsghdr& part) {
        if (auto result = decode(part)) results.push_back(std::move(*result));
      });
      if (complete) return results;
    }
    refuse_interrupted_dump();
  }

 private:
  // A table that is changed ten times in a row while being read is not one to act upon.
  static constexpr int kDumpAttempts = 10;

  struct Buffers;
  struct Pending;

  bool dump_once(NetlinkMessage& message, const Visitor& visit);
  [[noreturn]] static void refuse_interrupted_dump();
  void send(std::span<const uint8_t> bytes);
  void send_and_wipe(std::vector<uint8_t>& bytes);
  size_t receive(bool wait);  // datagrams now in the buffers; 0: nothing came
  void take(const nlmsghdr& message, Pending& pending);
  void collect(Pending& pending);
  void wipe(size_t datagrams);

  std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
  std::unique_ptr<Buffers> buffers_;
  uint32_t sequence_ = 0;
};

}  // namespace pellicle
