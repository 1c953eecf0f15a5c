// Records what the kernel cannot tell: the values that sysctls had before the agent changed them,
// and which gateway routes in main are Pellicle's. It is one JSON file, and a second file with a
// line for each gateway that was added or removed since. A change is recorded before it is made.
// The files belong on tmpfs, so that they live as long as the kernel state they describe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/files/journal.h"
#include "agent/model/ip.h"

namespace pellicle {

class Ledger {
 public:
  // Reads `directory`/ledger.json; a missing file is an empty ledger. A damaged file is renamed,
  // and problem() reports it. Throws OsError when the file cannot be read.
  explicit Ledger(const std::string& directory);

  const std::optional<std::string>& problem() const { return problem_; }

  // A sysctl before the agent's first change.
  struct Original {
    std::string value;
    int device = 0;  // index of the device it belongs to, which a rename keeps; 0: no device
    bool operator==(const Original&) const = default;
  };
  // By path. note_sysctl() keeps the first value of a path.
  const std::map<std::string, Original>& sysctls() const { return sysctls_; }
  void note_sysctl(const std::string& path, const Original& original);
  void forget_sysctl(const std::string& path);

  // A destination may have two gateways here while one replaces the other.
  using Gateway = std::pair<Cidr, IpAddress>;
  const std::set<Gateway>& gateways() const { return gateways_; }
  void note_gateway(const Cidr& dst, const IpAddress& gateway);
  void forget_gateway(const Cidr& dst, const IpAddress& gateway);
  // Forgets all gateways of the destination except `but`. Its cost does not depend on the number of
  // other destinations.
  void forget_gateways(const Cidr& dst, const std::optional<IpAddress>& but);

  // Writes the changes since the last save(), all of them or none. Creates the directory. An empty
  // ledger has no file. Throws OsError.
  void save();

 private:
  void load();
  void set_aside(const std::string& reason);
  void note(char sign, const Gateway& gateway);
  std::string whole() const;

  std::string directory_;
  std::string path_;
  Journal journal_;
  std::map<std::string, Original> sysctls_;
  std::set<Gateway> gateways_;
  std::string unsaved_;  // lines for changed gateways: "+10.0.1.0/24 172.18.0.4", or with "-"
  bool dirty_ = false;   // sysctls changed, which lines do not record
  std::optional<std::string> problem_;
};

}  // namespace pellicle
