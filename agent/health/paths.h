// Can the other nodes be reached, and on which way? Pure: what is to be asked, and what the answers
// mean.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/health/causes.h"

namespace pellicle {

inline constexpr uint16_t kClusterHealthPort = 4240;  // TCP, as Cilium's cluster-health-port

// Two ways lead to a node, and a fault is found by which of them fails: to the address that the
// cluster knows it by, in the clear, and through ESP to its health endpoint.
enum class HealthWay : uint8_t { node, tunnel };
const char* way_name(HealthWay way);  // "node", "tunnel"

struct HealthPath {
  std::string node;
  HealthWay way{};
  IpAddress address;
  // Where it is asked from; for the tunnel cilium_host's own address, so that the question is never
  // in the clear, whatever routes there are. Else the kernel chooses.
  std::optional<IpAddress> source;
  auto operator<=>(const HealthPath&) const = default;
};

// Of every peer, in each family that both have: one to its address, and one to its health endpoint
// where it announces one and something may be sent to its pods. In order.
std::vector<HealthPath> health_paths(const Cluster& cluster);

enum class HealthAnswer : uint8_t {
  none,     // nobody asked yet
  good,     // connected, and a packet of full size was answered
  refused,  // the address answers, but nobody listens or hung up: its agent does not run
  silent,   // no answer to a connection
  stalled,  // connected, but packets of full size do not get through: none was acknowledged
  mute,     // they do, but its agent does not answer
  no_way,   // this kernel has no way there, or does not let us
};

struct HealthResult {
  HealthAnswer answer = HealthAnswer::none;
  unsigned times = 1;                    // in a row
  std::chrono::microseconds latency{0};  // of the connection: one round trip; when good
  std::string words;                     // the kernel's, of no_way
  std::chrono::system_clock::time_point checked{};
  std::chrono::system_clock::time_point since{};  // the answer is the same
};

struct NodeHealth {
  std::map<HealthPath, HealthResult> paths;
  bool asked() const;      // every path was
  bool reachable() const;  // every path is good
};

struct ClusterHealth {
  std::chrono::seconds interval{0};  // of questions to one node; 0: nobody asks
  std::map<std::string, NodeHealth> nodes;
  size_t reachable() const;
  size_t unreachable(HealthWay way) const;  // nodes with a path of this way that is not good
  std::chrono::system_clock::time_point checked() const;  // the last answer; 0: none yet
};

// "no answer from 172.18.0.4:4240 within 5 s"
std::string health_sentence(const HealthPath& path, const HealthResult& result);

// What an operator of this node must do something about, once it was so twice in a row (an agent
// that restarts costs an answer): a node that answers while the tunnel to it
// does not, packets of full size that are lost, and no node that answers at all. A node that is
// just away is none: every other node of the cluster would say so. What this node knows of itself
// comes before all advice about others and the network between.
std::vector<Problem> health_problems(const ClusterHealth& health, const OwnCauses& causes = {});

// How often one node is asked. All nodes together ask `peers` times `peers` questions in that time:
// its growth with the cluster keeps what a node asks and is asked in a second from growing.
std::chrono::seconds health_interval(std::chrono::seconds wanted, size_t peers);

// Within which time a new node is asked for the first time: not by everybody at once.
std::chrono::milliseconds first_question_within(std::chrono::seconds interval, size_t peers);

// An answer takes no longer.
std::chrono::seconds health_patience(std::chrono::seconds interval);

}  // namespace pellicle
