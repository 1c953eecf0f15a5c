// Serves one connection: authenticates, applies faults, answers, streams watches.
#pragma once

#include "tests/harness/api/shared.h"
#include "tests/harness/api/watch_stream.h"
#include "tests/harness/api/wire.h"

namespace pellicle::api {

class Session {
 public:
  Session(Wire& wire, Shared& shared) : wire_(wire), shared_(shared) {}

  // Until the peer leaves, a fault ends the connection, or the wire is shut. Never throws.
  void run();

 private:
  enum class Next { request, goodbye, drop, reset };  // what comes after a request

  Next serve(Call call);
  Next answer(Call call, const std::optional<Refusal>& refusal,
              const std::optional<FaultKind>& broken);
  Next send(const Call& call, const Response& response, const std::optional<FaultKind>& broken);
  Next watch(WatchStream& stream, bool keep_alive);
  Next stall();
  bool pause(std::chrono::milliseconds delay);
  // shared_.mutex held
  void negotiate(Call& call) const;
  void log(const Call& call, int status, bool gzip = false);

  Wire& wire_;
  Shared& shared_;
  uint64_t clears_ = 0;                // Faults::clears() when the active fault was taken
  std::chrono::milliseconds late_{0};  // the delay before a late answer
};

}  // namespace pellicle::api
