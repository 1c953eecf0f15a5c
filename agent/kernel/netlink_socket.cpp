#include "agent/kernel/netlink_socket.h"

#include <cerrno>
#include <cstring>

#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// Limits of one send(): large enough that the cost of the system call does not matter, small enough
// that the ACKs (about 1 kB of socket memory each) fit the receive buffer.
constexpr size_t kSendBytes = size_t{128} * 1024;
constexpr size_t kSendMessages = 1024;
constexpr int kSocketBytes = 8 * 1024 * 1024;
// The kernel fills a dump's datagrams up to 32 kB when the reader offers as much (6.1).
constexpr size_t kDatagramBytes = size_t{32} * 1024;
constexpr size_t kDatagrams = 16;
// The kernel executes requests inside send(), so an answer that takes this long is lost.
constexpr timeval kAnswerTime{10, 0};

const char* subject(int protocol) {
  if (protocol == NETLINK_XFRM) return "IPsec (xfrm_user)";
  return protocol == NETLINK_NETFILTER ? "netfilter (nfnetlink)" : "routing";
}

void set_option(int fd, int level, int option, int value) {
  // Each option only improves answers or buffers: an old kernel without it still works.
  setsockopt(fd, level, option, &value, sizeof value);
}

void enlarge_buffers(int fd) {
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) {
    set_option(fd, SOL_SOCKET, option, kSocketBytes);
  }
}

Outcome outcome_of(const nlmsghdr& message) {
  const auto error = header_of<nlmsgerr>(message);
  if (!error) return {EBADMSG, "the kernel's acknowledgement is cut short"};
  if (error->error == 0) return {};
  Outcome outcome{-error->error, {}};
  size_t size = sizeof(nlmsgerr);
  if (!(message.nlmsg_flags & NLM_F_CAPPED)) size += error->msg.nlmsg_len - sizeof(nlmsghdr);
  if (message.nlmsg_flags & NLM_F_ACK_TLVS) {
    outcome.sentence = Attributes(message, size).text(NLMSGERR_ATTR_MSG);
  }
  if (outcome.sentence.empty()) outcome.sentence = std::strerror(outcome.error);
  return outcome;
}

}  // namespace

void require(const Outcome& outcome, const std::string& operation) {
  if (!outcome.ok()) throw OsError(outcome.error, operation + ": " + outcome.sentence);
}

struct NetlinkSocket::Buffers {
  std::vector<uint8_t> send;
  // Not zero-filled: most sockets never receive this much, and untouched pages use no memory.
  std::unique_ptr<uint8_t[]> bytes =
      std::make_unique_for_overwrite<uint8_t[]>(kDatagrams * kDatagramBytes);
  std::vector<iovec> parts = std::vector<iovec>(kDatagrams);
  std::vector<mmsghdr> headers = std::vector<mmsghdr>(kDatagrams);
};

// The requests of one send() that wait for their ACKs.
struct NetlinkSocket::Pending {
  uint32_t first_sequence = 0;
  size_t first_request = 0;
  std::vector<std::optional<Outcome>> outcomes;
  size_t open = 0;
  const Visitor& answer;
};

NetlinkSocket::NetlinkSocket(int protocol)
    : socket_(nl_socket_alloc(), nl_socket_free), buffers_(std::make_unique<Buffers>()) {
  if (!socket_) throw std::bad_alloc();
  errno = 0;
  if (const int error = nl_connect(socket_.get(), protocol); error < 0) {
    fail(errno ? errno : EIO, std::string("open a netlink socket for ") + subject(protocol));
  }
  enlarge_buffers(fd());
  set_option(fd(), SOL_NETLINK, NETLINK_EXT_ACK, 1);
  // Without this option an error message contains the request, with keys.
  set_option(fd(), SOL_NETLINK, NETLINK_CAP_ACK, 1);
  set_option(fd(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, protocol == NETLINK_ROUTE);
  setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime);
  for (size_t i = 0; i < kDatagrams; ++i) {
    buffers_->parts[i] = {buffers_->bytes.get() + i * kDatagramBytes, kDatagramBytes};
    buffers_->headers[i].msg_hdr.msg_iov = &buffers_->parts[i];
    buffers_->headers[i].msg_hdr.msg_iovlen = 1;
  }
}

NetlinkSocket::~NetlinkSocket() = default;

int NetlinkSocket::fd() const {
  return nl_socket_get_fd(socket_.get());
}

uint32_t NetlinkSocket::port() const {
  return nl_socket_get_local_port(socket_.get());
}

void NetlinkSocket::send(std::span<const uint8_t> bytes) {
  while (::send(fd(), bytes.data(), bytes.size(), 0) < 0) {
    if (errno != EINTR) fail(errno, "send a netlink request");
  }
}

size_t NetlinkSocket::receive(bool wait) {
  const int flags = wait ? MSG_WAITFORONE : MSG_DONTWAIT;
  const int count = recvmmsg(fd(), buffers_->headers.data(), kDatagrams, flags, nullptr);
  if (count >= 0) return static_cast<size_t>(count);
  if (errno == EINTR) return receive(wait);
  if (errno == EAGAIN) return 0;
  fail(errno, "receive a netlink answer");
}

void NetlinkSocket::wipe(size_t datagrams) {
  for (size_t i = 0; i < datagrams; ++i) {
    explicit_bzero(buffers_->parts[i].iov_base, buffers_->headers[i].msg_len);
  }
}

void NetlinkSocket::take(const nlmsghdr& message, Pending& pending) {
  const uint32_t index = message.nlmsg_seq - pending.first_sequence;
  if (index >= pending.outcomes.size()) return;  // a late answer to a request that was given up
  if (message.nlmsg_type != NLMSG_ERROR) {
    if (pending.answer) pending.answer(pending.first_request + index, message);
    return;
  }
  auto& outcome = pending.outcomes[index];
  if (outcome) return;
  outcome = outcome_of(message);
  --pending.open;
}

void NetlinkSocket::take_all(size_t datagrams, Pending& pending) {
  for (size_t i = 0; i < datagrams; ++i) {
    const auto* message = static_cast<const nlmsghdr*>(buffers_->parts[i].iov_base);
    auto left = static_cast<int>(buffers_->headers[i].msg_len);
    for (; nlmsg_ok(message, left); message = nlmsg_next(const_cast<nlmsghdr*>(message), &left)) {
      take(*message, pending);
    }
  }
  wipe(datagrams);
}

void NetlinkSocket::collect(Pending& pending) {
  bool overrun = false;
  while (pending.open > 0) {
    size_t count = 0;
    try {
      count = receive(!overrun);
    } catch (const OsError& error) {
      if (error.error() != ENOBUFS) throw;
      overrun = true;  // some answers are lost; the others are still in the queue
      continue;
    }
    if (count == 0) break;
    take_all(count, pending);
  }
  for (auto& outcome : pending.outcomes) {
    if (!outcome) outcome = Outcome{ENOBUFS, "the kernel's answer was lost"};
  }
}

// Wipes the bytes even when send() throws: they contain keys, and the next batch must not send them
// again.
void NetlinkSocket::send_and_wipe(std::vector<uint8_t>& bytes) {
  struct Wipe {
    std::vector<uint8_t>& bytes;
    ~Wipe() {
      explicit_bzero(bytes.data(), bytes.size());
      bytes.clear();
    }
  };
  const Wipe wipe{bytes};
  send(bytes);
}

void NetlinkSocket::queue(NetlinkMessage& message) {
  auto& header = message.get();
  header.nlmsg_seq = ++sequence_;
  header.nlmsg_pid = port();
  auto& bytes = buffers_->send;
  const auto* start = reinterpret_cast<const uint8_t*>(&header);
  bytes.insert(bytes.end(), start, start + header.nlmsg_len);
  bytes.resize(NLMSG_ALIGN(bytes.size()));
}

std::vector<Outcome> NetlinkSocket::batch(std::span<NetlinkMessage> messages,
                                          const Visitor& answer) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(messages.size());
  auto& bytes = buffers_->send;
  bytes.reserve(kSendBytes);  // never exceeded: a reallocation would leave key bytes in memory
  while (outcomes.size() < messages.size()) {
    Pending pending{sequence_ + 1, outcomes.size(), {}, 0, answer};
    while (pending.open < kSendMessages && outcomes.size() + pending.open < messages.size()) {
      auto& message = messages[outcomes.size() + pending.open];
      if (bytes.size() + NLMSG_ALIGN(message.get().nlmsg_len) > kSendBytes) break;
      message.get().nlmsg_flags |= NLM_F_ACK;
      queue(message);
      ++pending.open;
    }
    pending.outcomes.resize(pending.open);
    send_and_wipe(bytes);
    collect(pending);
    for (auto& outcome : pending.outcomes) outcomes.push_back(std::move(*outcome));
  }
  return outcomes;
}

Outcome NetlinkSocket::request(NetlinkMessage message, const Visitor& answer) {
  return batch({&message, 1}, answer).front();
}

std::optional<NetlinkSocket::Refusal> NetlinkSocket::transaction(
    std::span<NetlinkMessage> messages) {
  const Visitor none;
  Pending pending{sequence_ + 1, 0, {}, messages.size(), none};
  pending.outcomes.resize(messages.size());
  for (auto& message : messages) queue(message);
  send_and_wipe(buffers_->send);
  while (const size_t count = receive(false)) take_all(count, pending);
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto& outcome = pending.outcomes[i];
    if (outcome && !outcome->ok()) return Refusal{.request = i, .outcome = *outcome};
  }
  return std::nullopt;
}

bool NetlinkSocket::dump_once(NetlinkMessage& message, const Visitor& visit) {
  auto& header = message.get();
  header.nlmsg_seq = ++sequence_;
  header.nlmsg_pid = port();
  header.nlmsg_flags |= NLM_F_DUMP;
  send({reinterpret_cast<const uint8_t*>(&header), header.nlmsg_len});
  bool complete = true;
  for (;;) {
    const size_t count = receive(true);
    if (count == 0) throw OsError(ETIMEDOUT, "read a netlink dump: no answer from the kernel");
    bool done = false;
    for (size_t i = 0; i < count; ++i) {
      const auto* part = static_cast<const nlmsghdr*>(buffers_->parts[i].iov_base);
      auto left = static_cast<int>(buffers_->headers[i].msg_len);
      for (; nlmsg_ok(part, left); part = nlmsg_next(const_cast<nlmsghdr*>(part), &left)) {
        if (part->nlmsg_seq != header.nlmsg_seq) continue;
        if (part->nlmsg_flags & NLM_F_DUMP_INTR) complete = false;
        if (part->nlmsg_type == NLMSG_ERROR) {
          const Outcome outcome = outcome_of(*part);
          throw OsError(outcome.error, "read a netlink dump: " + outcome.sentence);
        }
        if (part->nlmsg_type == NLMSG_DONE) {
          const int error = header_of<int>(*part).value_or(0);
          if (error < 0) fail(-error, "read a netlink dump");
          done = true;
          break;
        }
        visit(0, *part);
      }
    }
    wipe(count);
    if (done) return complete;
  }
}

void NetlinkSocket::refuse_interrupted_dump() {
  throw OsError(EAGAIN, "read a netlink dump: the table changes faster than it can be read");
}

}  // namespace pellicle
