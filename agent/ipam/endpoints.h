// The pods of this node and their addresses. <state dir>/endpoints.json keeps them across restarts
// of the agent. An endpoint is recorded before its device is made and forgotten after its device
// has gone, so that a crash in between leaves no device without a record.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

class Endpoints {
 public:
  // Reads the file; an absent one is an empty list. A damaged one is set aside as
  // endpoints.json.damaged and reported through `problem()`; see adopt().
  explicit Endpoints(std::string state_dir);

  const std::vector<Endpoint>& all() const { return record_.endpoints; }  // by id, then device
  const Endpoint* find_device(const std::string& device) const;
  const Endpoint* find(const IpAddress& address) const;
  const std::optional<Problem>& problem() const { return problem_; }

  // Addresses that pods released and that no pod has had since, oldest release first.
  const std::vector<IpAddress>& released() const { return record_.released; }
  // Reserved for the health endpoint; at most one per family.
  const std::vector<IpAddress>& health() const { return record_.health; }

  // Each writes the file before it returns. Throws std::runtime_error, and changes nothing, when
  // the file cannot be written.
  void put(Endpoint endpoint);  // replaces the one of the same device
  void remove(const std::string& device);
  void keep_for_health(std::vector<IpAddress> addresses);

  // Reconciles the record with the kernel: drops endpoints whose device is not in `devices` (their
  // pod went while no agent ran) and adds those of `found` that are not recorded. Returns the
  // dropped ones.
  std::vector<Endpoint> adopt(const std::vector<std::string>& devices,
                              const std::vector<Endpoint>& found);
  // adopt() has succeeded: the record is complete.
  bool adopted() const { return adopted_; }

 private:
  struct Record {
    std::vector<Endpoint> endpoints;
    std::vector<IpAddress> released;
    std::vector<IpAddress> health;
  };
  static void forget(Record& record, const std::string& device);
  static void insert(Record& record, Endpoint endpoint);
  void commit(Record record);
  void read();

  std::string path_;
  Record record_;
  std::optional<Problem> problem_;
  bool adopted_ = false;
};

}  // namespace pellicle
