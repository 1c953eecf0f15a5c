// WATCH: the frames for one watcher. Pure.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/api/call.h"
#include "tests/harness/api/selector.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

class Feed {
 public:
  // Throws Refusal: 400, or 410 if the start version is forgotten.
  Feed(const Store& store, const Call& call);

  // The frames for all events since the last call, each one line of JSON with its newline. The
  // first call of a feed without a version (or with 0) returns every object as ADDED. Events after
  // `until` are left for the next call.
  std::vector<std::string> news(const Store& store, uint64_t until = UINT64_MAX);

  // A BOOKMARK for what was sent so far; empty if the watch did not ask for bookmarks, or waits for
  // a future version. Call it with the store that news() has just read.
  std::string bookmark(const Store& store) const;

  // The frame that ends a feed whose version is too old: the 200 form of a 410.
  static std::string error_frame(const Refusal& refusal);

 private:
  std::string frame_for(const Event& event) const;  // empty: not for this watcher
  Json shown(Json object) const;

  const Resource& resource_;
  std::string ns_;
  Selector selector_;
  bool metadata_only_ = false;
  bool bookmarks_ = false;
  bool initial_ = false;
  uint64_t seen_ = 0;
};

}  // namespace pellicle::api
