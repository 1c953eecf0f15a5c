#include "agent/kernel/bpf_tcx.h"

#include <bpf/bpf.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// BPF_TCX_INGRESS, BPF_TCX_EGRESS and BPF_F_BEFORE of Linux 6.6; older headers lack these names.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr uint32_t kBefore = 1U << 3;
constexpr size_t kMostTcx = 64;  // BPF_MPROG_MAX: the most programs on one hook

bpf_attach_type type_of(const TcHook& hook) {
  return static_cast<bpf_attach_type>(hook.ingress ? kTcxIngress : kTcxEgress);
}

}  // namespace

std::optional<std::vector<uint32_t>> tcx_programs(const TcHook& hook) {
  std::array<uint32_t, kMostTcx> ids{};
  uint32_t count = ids.size();
  const int result =
      bpf_prog_query(static_cast<int>(hook.ifindex), type_of(hook), 0, nullptr, ids.data(), &count);
  if (result == 0) return std::vector<uint32_t>(ids.begin(), ids.begin() + count);
  if (result == -EINVAL || result == -ENODEV) return std::nullopt;
  if (result == -ENOENT) return std::vector<uint32_t>();
  throw OsError(-result, std::string("read the tcx programs of a device: ") + strerror(-result));
}

std::optional<uint32_t> own_tcx_program(const TcHook& hook) {
  for (const uint32_t id : tcx_programs(hook).value_or(std::vector<uint32_t>())) {
    const auto program = find_program(id);
    if (program && is_ours(*program)) return id;
  }
  return std::nullopt;
}

void attach_tcx(const TcHook& hook, int program_fd, std::optional<uint32_t> old,
                const std::string& object) {
  struct bpf_prog_attach_opts options {};
  options.sz = sizeof options;
  options.flags = kBefore;
  FileDescriptor replaced;
  if (old) {
    replaced = FileDescriptor(bpf_prog_get_fd_by_id(*old));
    if (!replaced) throw OsError(errno, object + ": " + strerror(errno));
    options.flags = BPF_F_REPLACE;
    options.replace_prog_fd = replaced.get();
  }
  const int result =
      bpf_prog_attach_opts(program_fd, static_cast<int>(hook.ifindex), type_of(hook), &options);
  if (result == -EEXIST && old) return;  // this very program is attached already
  if (result != 0) throw OsError(-result, object + ": " + strerror(-result));
}

void detach_tcx(const TcHook& hook, uint32_t id, const std::string& object) {
  const FileDescriptor program(bpf_prog_get_fd_by_id(id));
  if (!program) return;  // not loaded, so it is on no hook
  const int result = bpf_prog_detach2(program.get(), static_cast<int>(hook.ifindex), type_of(hook));
  if (result == 0 || result == -ENOENT || result == -ENODEV) return;
  throw OsError(-result, object + ": " + strerror(-result));
}

}  // namespace pellicle
