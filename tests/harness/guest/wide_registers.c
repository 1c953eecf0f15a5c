// Preloaded into User-Mode Linux, so that it starts on processors with AMX.
//
// User-Mode Linux (6.1 and 6.12, seen) saves 4.5 kB of a process's extended registers. The host
// restores only the complete set (PTRACE_SETREGSET with NT_X86_XSTATE otherwise returns EFAULT),
// which is 11 kB on a processor with AMX: the guest's first process ends with "ptrace set fp regs
// failed, errno = 14". This library fills the missing part with registers in their initial state.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum {
  LEGACY_AREA = 512
};  // bytes before the header; the header's first word has a bit for each component in use
static const uint64_t kTiles = UINT64_C(3) << 17;

typedef long Ptrace(enum __ptrace_request, ...);

// The size of all registers on this host, in bytes; 0 if the host does not report it.
static size_t whole_size(Ptrace* host, long pid, void* area, size_t room) {
  static size_t known;
  if (known == 0) {
    struct iovec all = {.iov_base = area, .iov_len = room};
    if (host(PTRACE_GETREGSET, pid, (void*)NT_X86_XSTATE, &all) == 0) known = all.iov_len;
  }
  return known;
}

// Replaces glibc's ptrace, which reads these four arguments for every request.
long ptrace(enum __ptrace_request request, ...) {
  static Ptrace* host;
  static _Alignas(64) char area[32768];  // only one thread of a guest does this
  va_list rest;
  va_start(rest, request);
  const long pid = va_arg(rest, long);
  void* const where = va_arg(rest, void*);
  void* const data = va_arg(rest, void*);
  va_end(rest);
  if (host == NULL) host = (Ptrace*)dlsym(RTLD_NEXT, "ptrace");

  if (request != PTRACE_SETREGSET || (long)where != NT_X86_XSTATE)
    return host(request, pid, where, data);
  const struct iovec* given = data;
  const size_t size = whole_size(host, pid, area, sizeof area);
  if (given->iov_len >= size || given->iov_len < LEGACY_AREA + sizeof(uint64_t)) {
    return host(request, pid, where, data);
  }
  memcpy(area, given->iov_base, given->iov_len);
  memset(area + given->iov_len, 0, size - given->iov_len);
  uint64_t in_use;
  memcpy(&in_use, area + LEGACY_AREA, sizeof in_use);
  in_use &= ~kTiles;
  memcpy(area + LEGACY_AREA, &in_use, sizeof in_use);
  struct iovec all = {.iov_base = area, .iov_len = size};
  return host(request, pid, where, &all);
}
