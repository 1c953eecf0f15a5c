#include "agent/kernel/xfrm_errors.h"

#include <fstream>

namespace pellicle {

std::map<std::string, uint64_t> xfrm_errors() {
  // /proc/net would be the network namespace of the process's first thread.
  std::ifstream file("/proc/thread-self/net/xfrm_stat");
  std::map<std::string, uint64_t> errors;
  std::string name;
  for (uint64_t count = 0; file >> name >> count;) errors[name] = count;
  return errors;
}

}  // namespace pellicle
