// What this node says to its peers, in annotations of its own Node.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/core.h"
#include "agent/kube/key_records.h"
#include "agent/kube/publish.h"

namespace pellicle {

class Announcer {
 public:
  // Adds what others have to say to `wanted`; see Probes::announce().
  using More = std::function<void(const Annotations& present, Annotations& wanted)>;

  Announcer(boost::asio::io_context& context, ApiClient& client, const Settings& settings,
            const Store& store, const Core& core, More more);

  // Call after each pass, when everything else is done: a peer that reads the annotations starts to
  // send to this node. `use`: of the newest key; nullopt: unknown.
  void announce(const std::optional<SequenceUse>& use);

  bool healthy() const { return trouble_.empty(); }
  std::vector<Problem> problems() const;

 private:
  Annotations addresses(const Annotations& present) const;
  Annotations wanted(const Annotations& present, const std::optional<SequenceUse>& use) const;

  std::string node_name_;
  bool host_encryption_;
  const Store& store_;
  const Core& core_;
  More more_;
  Publisher publisher_;
  std::string trouble_;
};

}  // namespace pellicle
