// Streams one watch over a connection, and breaks it on demand.
#pragma once

#include "tests/harness/api/feed.h"
#include "tests/harness/api/shared.h"
#include "tests/harness/api/wire.h"

namespace pellicle::api {

class WatchStream {
 public:
  // The watch counts as open for the lifetime of this object. `broken` applies after the initial
  // events are sent. Called with shared.mutex held; throws Refusal as Feed does.
  WatchStream(Wire& wire, Shared& shared, const Call& call, std::optional<FaultKind> broken);
  ~WatchStream();  // takes shared.mutex

  enum class End {
    clean,  // the answer is complete: the connection can serve more requests
    drop,
    reset,
  };
  End run();
  bool gzip() const { return gzip_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  std::optional<End> carry_out(FaultKind order);  // nullopt: the watch continues
  End silence();

  Wire& wire_;
  Shared& shared_;
  Feed feed_;
  bool gzip_ = false;
  std::string half_frame_;
  std::string error_frame_;
  std::list<OpenWatch>::iterator open_;
  std::chrono::milliseconds bookmark_interval_;
  Time ends_;
  Time next_bookmark_;
};

}  // namespace pellicle::api
