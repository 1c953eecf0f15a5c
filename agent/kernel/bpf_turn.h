// The programs' turn (MAP_TURN), mapped into memory: an advance costs no system call.
#pragma once

#include <cstdint>
#include <memory>

#include "agent/kernel/bpf_maps.h"

namespace pellicle {

class BpfTurn {
 public:
  explicit BpfTurn(const BpfMap& map);  // throws OsError

  // Makes void what the programs found so far for the sources that they saw. Call it after each
  // write to the maps of endpoints, sources and owners.
  void advance();
  uint32_t map_id() const { return map_id_; }

 private:
  struct Unmap {
    void operator()(uint64_t* mapped) const;
  };
  std::unique_ptr<uint64_t, Unmap> turn_;
  uint32_t map_id_;
};

}  // namespace pellicle
