// ping's message for a packet that its own host refuses to send.
#pragma once

#include <string>

namespace pellicle::lab {

// With the MTU up to Debian 12, without it in later versions.
inline bool is_refused_for_its_size(const std::string& output, int mtu) {
  const auto says = [&](const std::string& words) { return output.find(words) != output.npos; };
  return says("mtu=" + std::to_string(mtu)) || says("sendmsg: Message too long");
}

}  // namespace pellicle::lab
