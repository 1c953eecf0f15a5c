#include "agent/kernel/netfilter_backend.h"

#include <filesystem>

#include "agent/kernel/command.h"

namespace pellicle {

std::string default_backend() {
  const auto plain = find_executable("iptables");
  if (!plain) return "iptables-nft";
  std::error_code unreadable;
  const std::string target = std::filesystem::canonical(*plain, unreadable).filename();
  return target.find("nft") != std::string::npos ? "iptables-nft" : "iptables-legacy";
}

std::string tool(const std::string& backend, Family family) {
  return family == Family::v4 ? backend : "ip6" + backend.substr(2);
}

}  // namespace pellicle
