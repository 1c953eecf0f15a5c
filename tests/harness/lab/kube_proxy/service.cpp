#include "tests/harness/lab/kube_proxy/service.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace pellicle::lab {

std::string BackEnd::to_string() const {
  const std::string text = address.to_string();
  return (address.family() == Family::v4 ? text : "[" + text + "]") + ":" + std::to_string(port);
}

std::string ServicePort::full_name() const {
  return name_space + "/" + name + ":" + port_name;
}

std::vector<BackEnd> ProxiedNode::own_back_ends(const ServicePort& port) const {
  std::vector<BackEnd> own;
  std::copy_if(port.back_ends.begin(), port.back_ends.end(), std::back_inserter(own),
               [&](const BackEnd& back_end) { return back_end.node == name; });
  return own;
}

std::string name_hash(const std::string& text, size_t length) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string name;
  for (size_t bit = 0; name.size() < length; bit += 5) {
    const unsigned pair = static_cast<unsigned>(digest.at(bit / 8)) << 8 | digest.at(bit / 8 + 1);
    name += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[pair >> (11 - bit % 8) & 31];
  }
  return name;
}

}  // namespace pellicle::lab
