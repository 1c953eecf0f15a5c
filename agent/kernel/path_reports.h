// Reads reports of routers about the path MTU to peers, which the eBPF programs on uplinks collect.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"
#include "agent/model/path.h"

struct ring_buffer;

namespace pellicle {

// Reads a pinned ring buffer, so reports from a time without an agent are not lost.
class PathReports {
 public:
  // Throws OsError: ENOENT when nothing is pinned under `bpf_root`.
  explicit PathReports(const std::string& bpf_root);
  ~PathReports();
  PathReports(const PathReports&) = delete;
  PathReports& operator=(const PathReports&) = delete;

  int fd() const;           // readable for poll(2) while there are reports
  bool is_current() const;  // the map that this object reads is the one that is pinned now

  // All pending reports, oldest first; at most as many as the ring buffer holds (73). Throws
  // OsError.
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
