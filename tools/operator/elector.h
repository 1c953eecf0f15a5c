// Runs an election: reads and writes the Lease each retry period, and reports when this replica
// starts and stops leading.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "agent/kube/client.h"
#include "tools/operator/election.h"

namespace pellicle {

class Elector {
 public:
  struct Callbacks {
    std::function<void()> on_begin;
    std::function<void()> on_end;  // deadline passed, or another replica holds the Lease
    std::function<void(const std::string& sentence)> on_trouble;  // once per sentence
    std::function<LeaseNotes()> notes;                            // before every write
  };
  Elector(boost::asio::io_context& io, ApiClient& client, ElectionSettings settings,
          Callbacks callbacks);
  void start();

  // True when work that takes up to `needs` may start now.
  bool may_act(Milliseconds needs) const;
  bool leads() const { return leads_; }
  const Election& election() const { return election_; }

  // Leaves the election; calls `done` when the Lease was released, or could not be.
  void resign(std::function<void()> done);

 private:
  void attempt();
  void got(const Response& response);
  void again();
  void judge();
  void expire_at_deadline();
  void give_back(std::function<void()> done);

  ApiClient& client_;
  Election election_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer deadline_;
  Call call_;
  bool leads_ = false;
  bool resigned_ = false;
  bool writing_ = false;                // a write waits for its answer
  std::function<void()> when_written_;  // empty: the election continues
  std::string told_;                    // last reported trouble
};

}  // namespace pellicle
