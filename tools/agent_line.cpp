#include "tools/agent_line.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace pellicle {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Why = NoAnswer::Why;

// Errors of a connection that the agent closed, ECONNRESET included.
[[noreturn]] void fail(const char* action, int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) {
    throw NoAnswer(Why::late, std::string(action) + ": no time was left");
  }
  throw NoAnswer(Why::closed, std::string(action) + ": " + std::strerror(error));
}

// `descriptor` goes with the bytes, unless it is negative.
ssize_t send_some(int socket, std::string_view bytes, int descriptor) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

class Connection {
 public:
  Connection(const std::string& path, milliseconds limit)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0)
      throw NoAnswer(Why::unasked, std::string("open a socket: ") + std::strerror(errno));
    try {
      connect(path, limit);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Who closed the connection already may have said why: line() tells.
  void send(std::string_view text, int descriptor) const {
    for (size_t done = 0; done < text.size();) {
      const ssize_t size = send_some(fd_, text.substr(done), done == 0 ? descriptor : -1);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EPIPE) return;
      if (size < 0) fail("send", errno);
      done += static_cast<size_t>(size);
    }
  }

  std::string line(milliseconds limit, size_t longest) const {
    const auto end = Clock::now() + limit;
    std::string text;
    std::array<char, 16384> buffer;
    while (true) {
      wait_until(end);
      const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) fail("receive", errno);
      if (size == 0) throw NoAnswer(Why::closed, "it closed the connection without an answer");
      const char* begin = buffer.data();
      const char* end_of_data = begin + size;
      const char* newline = std::find(begin, end_of_data, '\n');
      text.append(begin, newline);
      if (text.size() > longest) {
        throw NoAnswer(Why::garbled, "its answer exceeds " + std::to_string(longest) + " bytes");
      }
      if (newline != end_of_data) return text;
    }
  }

 private:
  void connect(const std::string& path, milliseconds limit) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      throw NoAnswer(Why::absent, std::strerror(ENAMETOOLONG));
    }
    path.copy(static_cast<char*>(address.sun_path), path.size());
    // connect() waits for a place in a full backlog, within the limit for sending.
    const timeval time{.tv_sec = limit.count() / 1000, .tv_usec = limit.count() % 1000 * 1000};
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    while (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) fail("connect", errno);
      throw NoAnswer(Why::absent, std::strerror(errno));
    }
  }

  void wait_until(Clock::time_point end) const {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
      const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
      if (ready > 0) return;
      if (ready < 0 && errno == EINTR) continue;
      if (ready < 0) fail("wait", errno);
      throw NoAnswer(Why::late, "no answer within the time limit");
    }
  }

  int fd_;
};

}  // namespace

std::string agent_answer(const std::string& socket, const std::string& line, milliseconds limit,
                         size_t longest, int descriptor) {
  const Connection connection(socket, limit);
  connection.send(line + "\n", descriptor);
  return connection.line(limit, longest);
}

}  // namespace pellicle
