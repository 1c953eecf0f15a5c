#include "agent/socket/passed_descriptor.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pellicle {

namespace {

// The kernel makes as many descriptors as there is room for, and closes the rest itself.
constexpr size_t kMostPassed = 4;

void take(const cmsghdr& part, FileDescriptor& passed) {
  const size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(&part) + i * sizeof number, sizeof number);
    FileDescriptor descriptor(number);
    if (!passed) passed = std::move(descriptor);
  }
}

}  // namespace

ssize_t receive_some(int socket, std::string& text, size_t most, FileDescriptor& passed) {
  std::array<char, 16384> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostPassed * sizeof(int))> control{};
  iovec part{.iov_base = bytes.data(), .iov_len = std::min(most, bytes.size())};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS) take(*each, passed);
  }
  text.append(bytes.data(), static_cast<size_t>(size));
  return size;
}

}  // namespace pellicle
