// Whether the kernel can do what the key asks for: tried at the start and with every other
// algorithm, and again for as long as something is missing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/model/key.h"
#include "agent/model/node.h"

namespace pellicle {

class KernelSupport {
 public:
  // One sentence about what is missing; see esp_obstacle().
  using Obstacle = std::function<std::optional<std::string>(const Algorithm&, Family)>;
  explicit KernelSupport(Obstacle obstacle) : obstacle_(std::move(obstacle)) {}

  // What is needed now. Before a key is known: what Cilium's users have.
  void look(const std::optional<IpsecKey>& key, const std::set<Family>& families);

  std::vector<Problem> problems() const;  // as of the last look

 private:
  Obstacle obstacle_;
  std::map<std::string, std::optional<std::string>> tried_;  // by family, algorithm and key length
};

}  // namespace pellicle
