// The pods of this node, remembered across restarts of the agent in <state dir>/endpoints.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

class Endpoints {
 public:
  // Reads the file; an absent one is an empty list. A damaged one is set aside as
  // endpoints.json.damaged and reported through `problem()`.
  explicit Endpoints(std::string state_dir);

  const std::vector<Endpoint>& all() const { return endpoints_; }  // by id
  const Endpoint* find(const std::string& id) const;
  const Endpoint* find(const IpAddress& address) const;
  const std::optional<Problem>& problem() const { return problem_; }

  // Both write the file before they return; std::runtime_error when it cannot be written, and
  // nothing is changed.
  void put(Endpoint endpoint);  // replaces the one with this id
  void remove(const std::string& id);

 private:
  void write(const std::vector<Endpoint>& endpoints) const;

  std::string path_;
  std::vector<Endpoint> endpoints_;
  std::optional<Problem> problem_;
};

}  // namespace pellicle
