// The one listener to the datapath's programs: the ring buffer they write to, and its switch.
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
    uint32_t one_in = 1;             // of so many events each is told with the same chance
  };
  // What to do with an event; false: it was the last one.
  using Hear = std::function<bool(const DatapathEvent&)>;

  // How long the programs go on writing for a listener that does not renew().
  static constexpr std::chrono::seconds kLease{3};

  // Begins to listen at the maps that are pinned under `bpf_root`. OsError: EBUSY when there is a
  // listener already, whose process it names; ENOENT when no maps are there, EPROTO when they are
  // another version's.
  DatapathEvents(std::string bpf_root, const Wishes& wishes);
  ~DatapathEvents();  // nobody listens any more
  DatapathEvents(const DatapathEvents&) = delete;
  DatapathEvents& operator=(const DatapathEvents&) = delete;

  int fd() const;  // poll(2) finds it readable while there are events

  // Hands over what is there, at most so many that renew() is not due meanwhile. Devices have the
  // names of the calling thread's network namespace. False: `hear` has had the last one. OsError:
  // EPROTO when the programs are another version's.
  bool read(const Hear& hear);

  // To be called about once a second. How long the programs thought that nobody listens, when it
  // comes too late. OsError: ESTALE when the maps are pinned no more, as after a cleanup.
  std::chrono::nanoseconds renew();

  uint64_t lost() const;  // events that the ring buffer had no room for, since the beginning

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
  std::map<uint32_t, std::string> names_;  // of devices, since the last renew()
};

}  // namespace pellicle
