#include "agent/kernel/path_reports.h"

#include <bpf/libbpf.h>

#include <cerrno>

#include "agent/kernel/bpf_records.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

BpfMap pinned_ring(const std::string& bpf_root) {
  auto map = pinned_map(bpf_root, MAP_PATHS);
  if (!map) throw OsError(ENOENT, "there is no " + bpf_root + "/" + MAP_PATHS);
  return std::move(*map);
}

}  // namespace

void PathReports::Free::operator()(ring_buffer* ring) const {
  ring_buffer__free(ring);
}

PathReports::PathReports(const std::string& bpf_root)
    : bpf_root_(bpf_root), map_(pinned_ring(bpf_root)) {
  ring_.reset(ring_buffer__new(map_.fd.get(), take, this, nullptr));
  if (!ring_) fail(errno, "read " + bpf_root + "/" + MAP_PATHS);
}

PathReports::~PathReports() = default;

int PathReports::fd() const {
  return ring_buffer__epoll_fd(ring_.get());
}

bool PathReports::is_current() const {
  const auto pinned = pinned_map(bpf_root_, MAP_PATHS);
  return pinned && pinned->id == map_.id;
}

int PathReports::take(void* self, void* record, size_t size) {
  auto& reports = *static_cast<PathReports*>(self);
  if (size == sizeof(datapath::path_report)) {
    reports.read_.push_back(path_report_value(*static_cast<const datapath::path_report*>(record)));
  }
  return 0;
}

std::vector<PathReport> PathReports::read() {
  read_.clear();
  const int result = ring_buffer__consume(ring_.get());
  if (result < 0) fail(-result, "read " + bpf_root_ + "/" + MAP_PATHS);
  return std::move(read_);
}

}  // namespace pellicle
