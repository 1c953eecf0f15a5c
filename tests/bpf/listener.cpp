#include "tests/bpf/listener.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>

#include "tests/harness/catch.h"

namespace pellicle {

namespace {

int find_map(const Programs& programs, const char* name) {
  const int fd = bpf_object__find_map_fd_by_name(programs.object(), name);
  INFO(name);
  REQUIRE(fd >= 0);
  return fd;
}

int keep(void* events, void* record, size_t size) {
  datapath::event event{};
  REQUIRE(size == sizeof(event));
  std::memcpy(&event, record, size);
  static_cast<std::vector<datapath::event>*>(events)->push_back(event);
  return 0;
}

}  // namespace

void Listener::Free::operator()(ring_buffer* ring) const {
  ring_buffer__free(ring);
}

Listener::Listener(const Programs& programs)
    : map_(find_map(programs, MAP_LISTENER)),
      ring_(ring_buffer__new(find_map(programs, MAP_EVENTS), keep, &events_, nullptr)) {
  REQUIRE(ring_ != nullptr);
}

void Listener::listen(std::chrono::seconds for_so_long, uint32_t kinds, uint32_t one_in) {
  const std::chrono::nanoseconds until =
      std::chrono::steady_clock::now().time_since_epoch() + for_so_long;
  const datapath::listener listener{
      .until = static_cast<uint64_t>(until.count()), .kinds = kinds, .one_in = one_in};
  const uint32_t only = 0;
  REQUIRE(bpf_map_update_elem(map_, &only, &listener, BPF_ANY) == 0);
}

std::vector<datapath::event> Listener::heard() {
  events_.clear();
  REQUIRE(ring_buffer__consume(ring_.get()) >= 0);
  return events_;
}

uint64_t Listener::lost() const {
  const uint32_t only = 0;
  datapath::listener listener{};
  REQUIRE(bpf_map_lookup_elem(map_, &only, &listener) == 0);
  return listener.lost;
}

}  // namespace pellicle
