#include "agent/keys/boot_id.h"

#include <fstream>
#include <stdexcept>

#include "agent/model/node.h"

namespace pellicle {

std::string boot_id(const std::string& file) {
  std::ifstream stream(file);
  std::string text;
  std::getline(stream, text);
  if (!is_boot_id(text)) {
    throw std::runtime_error("boot-id-file " + file +
                             ": expected 36 hex digits and dashes in its first line, as in " +
                             kBootIdFile);
  }
  return text;
}

}  // namespace pellicle
