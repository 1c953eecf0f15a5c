// Listens to the programs as `pellicle monitor` does.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "bpf/datapath.h"
#include "tests/bpf/programs.h"

struct ring_buffer;

namespace pellicle {

inline constexpr uint32_t kEveryKind = (1u << datapath::EVENT_KINDS) - 1;

class Listener {
 public:
  explicit Listener(const Programs& programs);  // does not listen yet

  // Listens until `for_so_long` from now; a negative value has expired already.
  void listen(std::chrono::seconds for_so_long = std::chrono::hours(1), uint32_t kinds = kEveryKind,
              uint32_t one_in = 1);
  std::vector<datapath::event> heard();  // since the last call
  uint64_t lost() const;

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  int map_;
  std::vector<datapath::event> events_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace pellicle
