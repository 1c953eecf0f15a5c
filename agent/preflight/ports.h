// The TCP ports that an agent listens on. Parsing and judging are pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/ip.h"
#include "agent/preflight/finding.h"

namespace pellicle {

struct Listener {
  IpAddress address;
  uint16_t port = 0;
  uint64_t inode = 0;
  bool operator==(const Listener&) const = default;
};

// Of /proc/net/tcp or /proc/net/tcp6: the sockets that listen.
std::vector<Listener> parse_listeners(const std::string& text);
std::vector<Listener> read_listeners();  // of the calling thread's network namespace

struct WantedPort {
  std::string what;                  // "health-address 127.0.0.1:9879"
  std::optional<IpAddress> address;  // none: the node's own addresses, whichever these are
  uint16_t port = 0;
};

// The setting health-address, "127.0.0.1:9879" or ":9879"; none for what is no such.
std::optional<WantedPort> wanted_port(const std::string& health_address);

// The process that has a socket open: "nginx (pid 81)"; empty if /proc does not show it.
using SocketOwner = std::function<std::string(uint64_t inode)>;
// `agent_answers`: an agent of ours runs on this node.
Finding judge_port(const WantedPort& wanted, const std::vector<Listener>& listeners,
                   const SocketOwner& owner, bool agent_answers);

}  // namespace pellicle
