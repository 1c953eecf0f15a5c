// A netlink socket that gets an ACK for every request, with the kernel's errno and message. Dumps
// are complete; batches need few system calls.
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

// Throws OsError with "<operation>: <sentence>" when the outcome is an error.
void require(const Outcome& outcome, const std::string& operation);

class NetlinkSocket {
 public:
  // NETLINK_ROUTE, NETLINK_XFRM or NETLINK_NETFILTER, in the network namespace of the calling
  // thread. Throws OsError.
  explicit NetlinkSocket(int protocol);
  ~NetlinkSocket();
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;

  int fd() const;
  uint32_t port() const;  // the kernel's notifications name it as the origin of a change

  using Visitor = std::function<void(size_t request, const nlmsghdr&)>;

  // Sends all messages, many in one system call, and returns one outcome for each, in order. Calls
  // `answer` for messages other than ACKs (the answers to a GET). Throws OsError when the socket
  // itself fails.
  std::vector<Outcome> batch(std::span<NetlinkMessage> messages, const Visitor& answer = {});
  Outcome request(NetlinkMessage message, const Visitor& answer = {});

  // Sends all messages in one system call, during which the kernel executes all or none, and
  // answers only refusals (nfnetlink's batches). Returns the first refusal, with the index of its
  // message.
  struct Refusal {
    size_t request = 0;
    Outcome outcome;
  };
  std::optional<Refusal> transaction(std::span<NetlinkMessage> messages);

  // Dumps a table and returns the values that `decode` (const nlmsghdr& -> std::optional<T>) makes
  // of its messages. Repeats a dump that a change interrupted. Throws OsError.
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
  // The agent does not act on a table that changes during this many dumps in a row.
  static constexpr int kDumpAttempts = 10;

  struct Buffers;
  struct Pending;

  void queue(NetlinkMessage& message);
  bool dump_once(NetlinkMessage& message, const Visitor& visit);
  [[noreturn]] static void refuse_interrupted_dump();
  void send(std::span<const uint8_t> bytes);
  void send_and_wipe(std::vector<uint8_t>& bytes);
  size_t receive(bool wait);  // number of datagrams in the buffers; 0: none came
  void take_all(size_t datagrams, Pending& pending);
  void take(const nlmsghdr& message, Pending& pending);
  void collect(Pending& pending);
  void wipe(size_t datagrams);

  std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
  std::unique_ptr<Buffers> buffers_;
  uint32_t sequence_ = 0;
};

}  // namespace pellicle
