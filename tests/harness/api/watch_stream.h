// Streams one watch over a connection, and breaks it when told to.
#pragma once

#include "tests/harness/api/feed.h"
#include "tests/harness/api/shared.h"
#include "tests/harness/api/wire.h"

namespace pellicle::api {

class WatchStream {
 public:
  // The watch counts as open from here to the end of this object. `broken` happens to it once it
  // has told what there is to tell at first.
  // Called with shared.mutex held; throws Refusal as Feed does.
  WatchStream(Wire& wire, Shared& shared, const Call& call, std::optional<FaultKind> broken);
  ~WatchStream();  // takes shared.mutex

  enum class End {
    clean,  // the answer is complete: the connection can serve more requests
    drop,
    reset,
  };
  End run();

 private:
  using Time = std::chrono::steady_clock::time_point;

  std::optional<End> carry_out(FaultKind order);  // nothing: the watch goes on
  End silence();

  Wire& wire_;
  Shared& shared_;
  Feed feed_;
  std::string half_frame_;
  std::string error_frame_;
  std::list<OpenWatch>::iterator open_;
  std::chrono::milliseconds bookmark_interval_;
  Time ends_;
  Time next_bookmark_;
};

}  // namespace pellicle::api
