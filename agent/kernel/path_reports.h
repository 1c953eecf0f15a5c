// What routers said of the paths to peers, as the uplink's programs heard it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"
#include "agent/model/path.h"

struct ring_buffer;

namespace pellicle {

// Reads a ring that is pinned: what was said while no agent ran is still there.
class PathReports {
 public:
  // OsError: ENOENT when nothing is pinned under `bpf_root`.
  explicit PathReports(const std::string& bpf_root);
  ~PathReports();
  PathReports(const PathReports&) = delete;
  PathReports& operator=(const PathReports&) = delete;

  int fd() const;           // poll(2) finds it readable while there are reports
  bool is_current() const;  // its map is the one that is pinned now

  // All that there are, oldest first; never more than the ring holds, some 70. Throws OsError.
  std::vector<PathReport> read();

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  static int take(void* reports, void* record, size_t size);

  std::string bpf_root_;
  BpfMap map_;
  std::vector<PathReport> read_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace pellicle
