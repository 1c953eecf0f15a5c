// The pods of this node and what is known of its addresses, remembered across restarts of the agent
// in <state dir>/endpoints.json. An endpoint is recorded before its device is made and forgotten
// after its device has gone, so that a crash between the two leaves no device without a record.
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

  // Addresses that pods had and that have not been given out since, the oldest first.
  const std::vector<IpAddress>& released() const { return record_.released; }
  // Kept for the health endpoint; at most one a family.
  const std::vector<IpAddress>& health() const { return record_.health; }

  // Each writes the file before it returns; std::runtime_error when it cannot be written, and then
  // nothing is changed.
  void put(Endpoint endpoint);  // replaces the one on this device
  void remove(const std::string& device);
  void keep_for_health(std::vector<IpAddress> addresses);

  // What really exists: endpoints whose device is not in `devices` are dropped (their pod went
  // while nobody looked) and those of `found` that nothing is known of are taken in. Returns the
  // dropped.
  std::vector<Endpoint> adopt(const std::vector<std::string>& devices,
                              const std::vector<Endpoint>& found);

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
};

}  // namespace pellicle
