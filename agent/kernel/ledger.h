// What the kernel itself cannot tell: the values that sysctls had before us, and which gateway
// routes in main are ours. One JSON file, and beside it a line for each gateway that came or went
// since; written before the change it records. It belongs on tmpfs, so that it lives as long as the
// kernel state it describes.
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
  // Reads `directory`/ledger.json; an absent file is an empty ledger. A damaged one is set aside
  // under another name, and problem() says so. Throws OsError when it cannot be read.
  explicit Ledger(const std::string& directory);

  const std::optional<std::string>& problem() const { return problem_; }

  // What a sysctl was before the first change.
  struct Original {
    std::string value;
    int device = 0;  // the index of whose it is, which no other name changes; 0: no device's
    bool operator==(const Original&) const = default;
  };
  // By path. Noting it again keeps the first.
  const std::map<std::string, Original>& sysctls() const { return sysctls_; }
  void note_sysctl(const std::string& path, const Original& original);
  void forget_sysctl(const std::string& path);

  // A destination may stand here with two gateways while one replaces the other.
  using Gateway = std::pair<Cidr, IpAddress>;
  const std::set<Gateway>& gateways() const { return gateways_; }
  void note_gateway(const Cidr& dst, const IpAddress& gateway);
  void forget_gateway(const Cidr& dst, const IpAddress& gateway);
  // All that stand with the destination, but for one that stays. Looks at no other destination's.
  void forget_gateways(const Cidr& dst, const std::optional<IpAddress>& but);

  // Writes down what changed since, all of it or nothing. Makes the directory; an
  // empty ledger has no file. Throws OsError.
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
  std::string unsaved_;  // gateways' lines: "+10.0.1.0/24 172.18.0.4", and with a minus
  bool dirty_ = false;   // more than these
  std::optional<std::string> problem_;
};

}  // namespace pellicle
