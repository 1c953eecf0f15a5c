// Are the other nodes reachable, directly and through ESP? Pure: computes the questions and judges
// the answers.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/health/causes.h"

namespace pellicle {

inline constexpr uint16_t kClusterHealthPort = 4240;  // TCP; Cilium's cluster-health-port

// The agent asks a node in two ways: in the clear at its InternalIP, and through ESP at its health
// endpoint. Which of the two fails tells where the fault is.
enum class HealthWay : uint8_t { node, tunnel };
const char* way_name(HealthWay way);  // "node", "tunnel"

struct HealthPath {
  std::string node;
  HealthWay way{};
  IpAddress address;
  // Source address. For HealthWay::tunnel it is cilium_host's address, so that the question never
  // goes out in the clear, whatever routes exist. nullopt: the kernel chooses.
  std::optional<IpAddress> source;
  auto operator<=>(const HealthPath&) const = default;
};

// For every peer and family: one path to its InternalIP, and one to its health endpoint if the peer
// announces one in its PodCIDR and there is a key to send with. Sorted.
std::vector<HealthPath> health_paths(const Cluster& cluster);

enum class HealthAnswer : uint8_t {
  none,     // not asked yet
  good,     // connected, and a full-size packet was answered
  refused,  // connection refused or closed by the peer: no agent runs there
  silent,   // no answer to the connection attempt
  stalled,  // connected, but full-size packets are lost: not all were acknowledged
  mute,     // full-size packets arrive, but the peer's agent does not answer
  no_way,   // this kernel has no route there, or refuses the connection for another reason
};

struct HealthResult {
  HealthAnswer answer = HealthAnswer::none;
  unsigned times = 1;                    // the same answer in a row
  std::chrono::microseconds latency{0};  // of the connection, one round trip; valid when good
  std::string words;                     // the kernel's error text, for no_way
  std::chrono::system_clock::time_point checked{};
  std::chrono::system_clock::time_point since{};  // of the first answer in this row
};

struct NodeHealth {
  std::map<HealthPath, HealthResult> paths;
  bool asked() const;      // every path has an answer
  bool reachable() const;  // every path is good
};

struct ClusterHealth {
  std::chrono::seconds interval{0};  // of questions to one node; 0: no questions
  std::map<std::string, NodeHealth> nodes;
  size_t reachable() const;
  size_t unreachable(HealthWay way) const;  // nodes with an answer other than good in this way
  std::chrono::system_clock::time_point checked() const;  // time of the last answer; 0: none yet
};

// "no answer from 172.18.0.4:4240"
std::string health_sentence(const HealthPath& path, const HealthResult& result);

// Problems that an operator of this node must act on. An answer counts from the second time in a
// row, because an agent that restarts costs one answer. Problems are: a node that answers while its
// health endpoint does not, lost full-size packets, a path that this kernel cannot ask, and a
// cluster (of more than two nodes) in which no other node answers. A single node that is down is no
// problem: every other node of the cluster would report it. A cause on this node takes precedence
// over advice about other nodes and the network between.
std::vector<Problem> health_problems(const ClusterHealth& health, const OwnCauses& causes = {});

// The interval of questions to one node. It grows with the cluster, so that the questions that a
// node asks and answers in a second do not: all nodes together ask `peers` squared in an interval.
std::chrono::seconds health_interval(std::chrono::seconds wanted, size_t peers);

// A node asks a new node first at a random time within this period, so that not all nodes ask it at
// once.
std::chrono::milliseconds first_question_within(std::chrono::seconds interval, size_t peers);

// How long a question waits for its answer.
std::chrono::seconds health_patience(std::chrono::seconds interval);

}  // namespace pellicle
