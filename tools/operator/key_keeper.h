// Applies the key policy: checks the Secret periodically, dates a key without a date, and replaces
// a key that is due.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "agent/kube/client.h"
#include "agent/kube/key_writer.h"
#include "tools/operator/key_policy.h"

namespace pellicle {

class KeyKeeper {
 public:
  struct Callbacks {
    // All Nodes, when this replica may act; null: it may not.
    std::function<const KeyNodes*()> nodes;
  };
  // `client` must outlive the keeper.
  KeyKeeper(boost::asio::io_context& io, ApiClient& client, KeyPolicy policy,
            std::chrono::milliseconds period, Callbacks callbacks);

  void look();  // now, and then each period
  void rest();  // another replica acts: drops active requests

  const std::optional<KeySince>& since() const { return since_; }  // as last seen
  const std::string& trouble() const { return trouble_; }          // one sentence; empty: none
  uint64_t rotations() const { return rotations_; }                // by this replica

 private:
  void again();
  void got(const Response& response);
  void date(const KeySince& since, const std::string& version);
  void dated(const KeySince& since, const Response& response);
  void rotate(const KeyDue& due, const KeyNodes& nodes);
  void rotated(const KeyWritten& result);
  void note(const std::string& trouble);

  ApiClient& client_;
  KeyPolicy policy_;
  std::chrono::milliseconds period_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Call call_;
  std::unique_ptr<KeyWriter> writer_;
  std::string reason_;
  std::optional<KeySince> since_;
  std::string trouble_;
  uint64_t rotations_ = 0;
};

}  // namespace pellicle
