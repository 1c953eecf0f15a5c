#include "agent/kernel/bpf_turn.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "agent/kernel/os_error.h"

namespace pellicle {

void BpfTurn::Unmap::operator()(uint64_t* mapped) const {
  munmap(mapped, sizeof(*mapped));
}

BpfTurn::BpfTurn(const BpfMap& map) : map_id_(map.id) {
  void* mapped =
      mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd.get(), 0);
  if (mapped == MAP_FAILED) fail(errno, std::string("map ") + MAP_TURN + " into memory");
  turn_.reset(static_cast<uint64_t*>(mapped));
}

void BpfTurn::advance() {
  std::atomic_ref<uint64_t>(*turn_).fetch_add(1);
}

}  // namespace pellicle
