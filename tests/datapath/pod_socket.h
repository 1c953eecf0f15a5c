// Pods' sockets, used from the test's threads. A socket stays in the network namespace in which it
// was created, so hundreds of pods can be inspected, and can send, without a process in each.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

// A non-blocking UDP socket in /run/netns/<netns>. LabError.
inline FileDescriptor udp_socket_in(const std::string& netns) {
  FileDescriptor made;
  int error = 0;
  // The thread ends in that namespace, so the caller's does not change.
  std::thread([&] {
    const FileDescriptor there(open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
    if (there && setns(there.get(), CLONE_NEWNET) == 0) {
      made = FileDescriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }
    if (!made) error = errno;
  }).join();
  if (!made) throw LabError("no socket in " + netns + ": " + std::strerror(error));
  return made;
}

inline sockaddr_in udp_address(const std::string& address, uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &made.sin_addr) != 1) {
    throw LabError(address + " is no IPv4 address");
  }
  return made;
}

inline std::string text_of(const sockaddr_in& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

// The IPv4 address of a device in the namespace; empty if it has none.
inline std::string address_in(const std::string& netns, const std::string& device) {
  ifreq request{};
  device.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
  if (ioctl(udp_socket_in(netns).get(), SIOCGIFADDR, &request) != 0) return "";
  sockaddr_in found{};
  std::memcpy(&found, &request.ifr_addr, sizeof found);
  return text_of(found);
}

}  // namespace pellicle::lab
