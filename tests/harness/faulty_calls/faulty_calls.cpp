#include "tests/harness/faulty_calls/faulty_calls.h"

#include <dlfcn.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace pellicle {

namespace {

struct Fault {
  FaultyCall call = FaultyCall::none;
  int error = 0;
  unsigned every = 1;
};

Fault wanted;  // set by the program itself
size_t calls = 0;
size_t failures = 0;

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

Fault now() {
  if (wanted.call != FaultyCall::none) return wanted;
  static const char* path = std::getenv("PELLICLE_FAULTY_CALLS");
  if (path == nullptr || access(path, R_OK) != 0) return {};
  Fault fault;
  int call = 0;
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return {};
  const bool whole = std::fscanf(file, "%d %d %u", &call, &fault.error, &fault.every) == 3;
  std::fclose(file);
  fault.call = static_cast<FaultyCall>(call);
  return whole && fault.every > 0 ? fault : Fault{};
}

bool is_netlink(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK;
}

// Does this call fail?
bool fails(const Fault& fault, FaultyCall call) {
  if (fault.call != call || ++calls % fault.every != 0) return false;
  ++failures;
  return true;
}

bool loses(int error) {
  return error == ENOBUFS || error == ENOMEM;
}

bool is_trie(int fd) {
  bpf_map_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(fd);
  attributes.info.info_len = sizeof info;
  attributes.info.info = reinterpret_cast<uint64_t>(&info);
  return real<decltype(::syscall)>("syscall")(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes,
                                              sizeof attributes) == 0 &&
         info.type == BPF_MAP_TYPE_LPM_TRIE;
}

bool bpf_fails(long command, const void* attributes) {
  const Fault fault = now();
  if (fault.call == FaultyCall::store_peer) {
    return command == BPF_MAP_UPDATE_ELEM &&
           is_trie(static_cast<int>(static_cast<const bpf_attr*>(attributes)->map_fd)) &&
           fails(fault, FaultyCall::store_peer);
  }
  return fails(fault, FaultyCall::bpf);
}

// As the kernel marks a dump during which the table changed.
void interrupt(const mmsghdr& datagram) {
  auto* message = static_cast<nlmsghdr*>(datagram.msg_hdr.msg_iov->iov_base);
  if (message->nlmsg_flags & NLM_F_MULTI) message->nlmsg_flags |= NLM_F_DUMP_INTR;
}

}  // namespace

FaultyCalls::FaultyCalls(FaultyCall call, int error, unsigned every) {
  calls = failures = 0;
  wanted = {call, error, every};
}

FaultyCalls::~FaultyCalls() {
  wanted = {};
}

size_t FaultyCalls::failed() const {
  return failures;
}

}  // namespace pellicle

using namespace pellicle;

extern "C" {

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  const Fault fault = now();
  if (fault.call == FaultyCall::send && is_netlink(fd) && fails(fault, FaultyCall::send)) {
    errno = fault.error;
    return -1;
  }
  return real<decltype(send)>("send")(fd, bytes, size, flags);
}

ssize_t recv(int fd, void* bytes, size_t size, int flags) {
  const Fault fault = now();
  if (fault.call == FaultyCall::receive && is_netlink(fd) && fails(fault, FaultyCall::receive)) {
    if (loses(fault.error)) real<decltype(recv)>("recv")(fd, bytes, size, flags | MSG_DONTWAIT);
    errno = fault.error;
    return -1;
  }
  return real<decltype(recv)>("recv")(fd, bytes, size, flags);
}

int recvmmsg(int fd, mmsghdr* datagrams, unsigned count, int flags, timespec* limit) {
  const Fault fault = now();
  const auto call = real<decltype(recvmmsg)>("recvmmsg");
  if (fault.call == FaultyCall::receive && fails(fault, FaultyCall::receive)) {
    if (loses(fault.error)) call(fd, datagrams, count, flags | MSG_DONTWAIT, limit);
    errno = fault.error;
    return -1;
  }
  const int received = call(fd, datagrams, count, flags, limit);
  if (received > 0 && fails(fault, FaultyCall::interrupt)) interrupt(datagrams[0]);
  return received;
}

long syscall(long number, ...) {
  long argument[6];
  va_list rest;
  va_start(rest, number);
  for (long& each : argument) each = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_bpf &&
      bpf_fails(static_cast<int>(argument[0]), reinterpret_cast<const void*>(argument[1]))) {
    errno = now().error;
    return -1;
  }
  return real<decltype(syscall)>("syscall")(number, argument[0], argument[1], argument[2],
                                            argument[3], argument[4], argument[5]);
}

}  // extern "C"
