// Which replica acts: leader election on a Lease as in client-go. Pure: no I/O and no clock.
//
// Never compares clocks of machines. A holder counts as gone when its Lease has not changed for
// `lease` by this machine's monotonic clock; the times in a Lease are for people. A leader stops
// acting `renew_deadline` after the start of its last successful renewal. That is shorter than
// `lease`, so no other replica can act yet.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "agent/kube/http.h"

namespace pellicle {

using Instant = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

struct ElectionSettings {
  std::string name = "pellicle-operator";  // of the Lease
  std::string space = "kube-system";       // its namespace
  std::string identity;                    // of this replica; never used twice
  // Defaults of kube-controller-manager and client-go's examples.
  Milliseconds lease{15'000};
  Milliseconds renew_deadline{10'000};
  Milliseconds retry_period{2'000};
};

// Additional content of the Lease.
struct LeaseNotes {
  std::map<std::string, std::string> annotations;  // full name -> value
  // Kubernetes deletes the Lease with this object of the same namespace. Empty name: no owner.
  struct Owner {
    std::string kind;
    std::string name;
    std::string uid;
  };
  Owner owner;
};

class Election {
 public:
  explicit Election(ElectionSettings settings) : settings_(std::move(settings)) {}

  // Each retry period: read the Lease, ...
  Request get() const;
  // ... and write what follows from the answer, if anything: create a missing Lease, renew our own,
  // take one that its holder does not renew. `wall` is only written into the Lease.
  std::optional<Request> answered(const Response& response, Instant now, const std::string& wall);
  // Takes the answer to the write; `begun`: when it was sent.
  void wrote(const Response& response, Instant begun);

  // Notes to write with our own renewals and on release. The first write already contains the
  // owner.
  void note(LeaseNotes notes) { notes_ = std::move(notes); }
  // The value of an annotation in the Lease before our first write; empty: it was missing.
  std::string found(const std::string& annotation) const;

  // True when work that takes up to `needs` may start now.
  bool may_act(Instant now, Milliseconds needs = {}) const;

  // Releases the Lease, so that another replica need not wait. nullopt when it is not ours.
  std::optional<Request> release(const std::string& wall);

  const std::string& holder() const { return holder_; }    // as last seen; empty: none
  const std::string& trouble() const { return trouble_; }  // one sentence; empty: the API answers
  const ElectionSettings& settings() const { return settings_; }

 private:
  Request write(const char* method, const std::string& body) const;
  std::string lease_path() const;

  ElectionSettings settings_;
  std::string holder_;
  std::string version_;             // resourceVersion of the Lease as last seen
  std::string lease_;               // JSON of the Lease
  Milliseconds term_{0};            // requested by its holder
  Instant changed_;                 // when its version last changed
  std::optional<Instant> renewed_;  // start of our last successful write
  std::string trouble_;
  LeaseNotes notes_;
  bool ownerless_ = false;                    // the API refused a write with 403
  std::map<std::string, std::string> found_;  // annotations of the Lease before it was ours
};

}  // namespace pellicle
