// WATCH: what one watcher is told, as frames. Pure.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/api/call.h"
#include "tests/harness/api/selector.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

class Feed {
 public:
  // Throws Refusal: 400, and 410 if the version to start from is forgotten.
  Feed(const Store& store, const Call& call);

  // The frames for everything that happened since the last call, each one line of JSON with its
  // newline. The first call of a feed without a version (or with 0) has every object as ADDED.
  // What happened after `until` is left for the next call.
  std::vector<std::string> news(const Store& store, uint64_t until = UINT64_MAX);

  // A BOOKMARK for what was told so far; empty if the watch did not ask for bookmarks, or waits for
  // a version that is yet to come. Call it with the store that news() has just seen.
  std::string bookmark(const Store& store) const;

  // How an ended feed says that its version is too old: the 200 form of a 410.
  static std::string error_frame(const Refusal& refusal);

 private:
  std::string frame_for(const Event& event) const;  // empty: not for this watcher

  const Resource& resource_;
  std::string ns_;
  Selector selector_;
  bool bookmarks_ = false;
  bool initial_ = false;
  uint64_t seen_ = 0;
};

}  // namespace pellicle::api
