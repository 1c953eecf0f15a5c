// Which replica acts: leader election on a Lease, as client-go does it. Pure: no I/O and no clock.
//
// Clocks of machines are never compared. A holder counts as gone when its Lease has not been seen
// to change for `lease`, by this machine's monotonic clock; the times inside a Lease are for
// people. A leader stops to act when its last successful renewal was begun `renew_deadline` ago: as
// that is shorter than `lease`, nobody else can have begun.
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
  std::string identity;                    // this replica's, never used twice
  // As kube-controller-manager and client-go's examples have them.
  Milliseconds lease{15'000};
  Milliseconds renew_deadline{10'000};
  Milliseconds retry_period{2'000};
};

// What stands beside the election in the Lease.
struct LeaseNotes {
  std::map<std::string, std::string> annotations;  // full name -> value
  // The Lease goes when this object of its namespace does. No name: it stays.
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

  // Every retry period: ask for the Lease, ...
  Request get() const;
  // ... and write what comes of the answer, if anything does: a Lease that is not there is created,
  // our own is renewed, one that nobody renews is taken. `wall` is only written down.
  std::optional<Request> answered(const Response& response, Instant now, const std::string& wall);
  // The answer to the write; `begun` is when it was sent.
  void wrote(const Response& response, Instant begun);

  // To be written with our own renewals, and when the Lease is given back. The owner is written
  // with the first write already.
  void note(LeaseNotes notes) { notes_ = std::move(notes); }
  // An annotation of the Lease as it was before our first write; empty: there was none.
  std::string found(const std::string& annotation) const;

  // May something that takes up to `needs` be begun now?
  bool may_act(Instant now, Milliseconds needs = {}) const;

  // Gives the Lease back, so that another replica need not wait. Nothing when it is not ours.
  std::optional<Request> release(const std::string& wall);

  const std::string& holder() const { return holder_; }    // as last seen; empty: nobody
  const std::string& trouble() const { return trouble_; }  // a sentence; empty: the API answers
  const ElectionSettings& settings() const { return settings_; }

 private:
  Request write(const char* method, const std::string& body) const;
  std::string lease_path() const;

  ElectionSettings settings_;
  std::string holder_;
  std::string version_;             // resourceVersion of the Lease as last seen
  std::string lease_;               // its text
  Milliseconds term_{0};            // what its holder asked for
  Instant changed_;                 // when another version was seen last
  std::optional<Instant> renewed_;  // begin of our last successful write
  std::string trouble_;
  LeaseNotes notes_;
  bool ownerless_ = false;                    // the API has refused a write
  std::map<std::string, std::string> found_;  // annotations of the Lease when it was not ours
};

}  // namespace pellicle
