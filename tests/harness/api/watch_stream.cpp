#include "tests/harness/api/watch_stream.h"

#include <algorithm>

namespace pellicle::api {

WatchStream::WatchStream(Wire& wire, Shared& shared, const Call& call,
                         std::optional<FaultKind> broken)
    : wire_(wire),
      shared_(shared),
      feed_(shared.store, call),
      gzip_(shared.settings.gzip_watches && call.can_gunzip()),
      half_frame_("{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"" +
                  std::string(call.resource->kind) + "\",\"apiVersion\":\"v1\",\"metadata\":{\"na"),
      error_frame_(Feed::error_frame(too_old(shared.store.version(), shared.store.version() + 1))),
      bookmark_interval_(shared.settings.bookmark_interval) {
  const uint64_t asked = call.number("timeoutSeconds").value_or(0);
  std::chrono::milliseconds timeout = shared.settings.default_watch_timeout;
  if (asked != 0) timeout = std::chrono::seconds(std::min<uint64_t>(asked, 86400));
  const Time now = std::chrono::steady_clock::now();
  ends_ = now + timeout;
  next_bookmark_ = now + bookmark_interval_;
  open_ = shared.watches.insert(shared.watches.end(), {.resource = call.key.resource,
                                                       .user = call.user,
                                                       .order = broken,
                                                       .version = shared.store.version(),
                                                       .clears = shared.faults.clears()});
  shared.seen.notify_all();
}

WatchStream::~WatchStream() {
  const std::lock_guard lock(shared_.mutex);
  shared_.watches.erase(open_);
  shared_.seen.notify_all();
}

WatchStream::End WatchStream::run() {
  wire_.begin_chunks(gzip_);
  for (;;) {
    std::vector<std::string> frames;
    std::optional<FaultKind> order;
    bool ended = false;
    {
      const std::lock_guard lock(shared_.mutex);
      order = std::exchange(open_->order, std::nullopt);
      frames = order ? feed_.news(shared_.store, open_->version) : feed_.news(shared_.store);
      shared_.events_sent += frames.size();
      const Time now = std::chrono::steady_clock::now();
      ended = now >= ends_ || order == FaultKind::end;
      if (ended || now >= next_bookmark_) {
        frames.push_back(feed_.bookmark(shared_.store));
        next_bookmark_ = now + bookmark_interval_;
      }
    }
    for (const std::string& frame : frames)
      if (!frame.empty()) wire_.send_chunk(frame);  // an empty chunk would end the answer
    if (ended) {
      wire_.end_chunks();
      return End::clean;
    }
    if (order) {
      if (const auto end = carry_out(*order)) return *end;
      continue;  // more events may be waiting
    }
    if (wire_.wait(std::min(ends_, next_bookmark_)) == Wire::Woken::by_peer_leaving)
      return End::drop;
  }
}

std::optional<WatchStream::End> WatchStream::carry_out(FaultKind order) {
  switch (order) {
    case FaultKind::expire:
      wire_.send_chunk(error_frame_);
      wire_.end_chunks();
      return End::clean;
    case FaultKind::garbage:
      wire_.send_chunk("}this is not JSON{\n");
      return std::nullopt;
    case FaultKind::truncate:
      wire_.send_chunk(half_frame_);
      return End::drop;
    case FaultKind::cut_off:
      wire_.send_chunk(half_frame_);
      return silence();
    case FaultKind::stall:
      return silence();
    case FaultKind::drop:
      return End::drop;
    case FaultKind::reset:
      return End::reset;
    case FaultKind::answer:
    case FaultKind::delay:
    case FaultKind::late:
    case FaultKind::end:
      break;  // happen before or instead of a stream
  }
  return std::nullopt;
}

// Until the peer leaves, the faults are cleared, or another order arrives.
WatchStream::End WatchStream::silence() {
  for (;;) {
    {
      const std::lock_guard lock(shared_.mutex);
      if (open_->clears != shared_.faults.clears()) return End::drop;
      if (open_->order) return open_->order == FaultKind::reset ? End::reset : End::drop;
    }
    if (wire_.wait(std::chrono::steady_clock::now() + std::chrono::hours(1)) ==
        Wire::Woken::by_peer_leaving)
      return End::drop;
  }
}

}  // namespace pellicle::api
