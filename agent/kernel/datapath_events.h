// Listens to the events of the datapath's programs: reads their ring buffer, and switches their
// writing on and off. There is one listener at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/kernel/bpf_maps.h"
#include "agent/model/datapath_event.h"

struct ring_buffer;

namespace pellicle {

class DatapathEvents {
 public:
  struct Wishes {
    std::set<EventKind> kinds = {};  // empty: all
    uint32_t one_in = 1;             // sampling: each event is reported with probability 1/one_in
  };
  // Called for each event; returns false to stop.
  using Hear = std::function<bool(const DatapathEvent&)>;

  // How long the programs keep writing for a listener that does not call renew().
  static constexpr std::chrono::seconds kLease{3};

  // Starts listening at the maps that are pinned under `bpf_root`. Throws OsError: EBUSY when there
  // is a listener already, naming its process; ENOENT when no maps are pinned; EPROTO when they are
  // another version's.
  DatapathEvents(std::string bpf_root, const Wishes& wishes);
  ~DatapathEvents();  // switches the programs' writing off
  DatapathEvents(const DatapathEvents&) = delete;
  DatapathEvents& operator=(const DatapathEvents&) = delete;

  int fd() const;  // readable for poll(2) while there are events

  // Passes pending events to `hear`, at most as many as keep renew() from being late. Device names
  // are those of the calling thread's network namespace. Returns false when `hear` did. Throws
  // OsError: EPROTO when the programs are another version's.
  bool read(const Hear& hear);

  // Extends the lease; call it about once a second. Returns for how long the lease had expired, so
  // that the programs wrote no events. Throws OsError: ESTALE when the maps are no longer pinned,
  // as after a cleanup.
  std::chrono::nanoseconds renew();

  uint64_t lost() const;  // events that the ring buffer had no room for, since the start

 private:
  struct Unmap {
    void operator()(datapath::listener* mapped) const;
  };
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  struct Reading;
  static int take(void* reading, void* record, size_t size);
  BpfMap open(const char* name) const;
  void lock();
  void discard_what_is_there();
  std::string device_name(uint32_t ifindex);

  std::string bpf_root_;
  BpfMap listener_map_;
  BpfMap events_map_;
  FileDescriptor lock_;
  std::unique_ptr<datapath::listener, Unmap> listener_;
  std::unique_ptr<ring_buffer, Free> ring_;
  Reading* reading_ = nullptr;             // while read() runs
  std::map<uint32_t, std::string> names_;  // cache of device names; renew() clears it
};

}  // namespace pellicle
