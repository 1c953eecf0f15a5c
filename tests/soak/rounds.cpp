// Rounds on the permanent nodes.
#include "tests/soak/rounds.h"

#include <cstdio>

namespace pellicle::soak {

using namespace lab;
using Clock = std::chrono::steady_clock;

namespace {

void set_new_key(Cluster& cluster, bool per_pair) {
  constexpr int kLastId = 15;
  cluster.key_id = cluster.key_id % kLastId + 1;
  cluster.per_pair = per_pair;
  char bytes[41];
  std::snprintf(bytes, sizeof bytes, "%08x%016lx%016lx", static_cast<unsigned>(cluster.random()),
                static_cast<unsigned long>(cluster.random()),
                static_cast<unsigned long>(cluster.random()));
  cluster.lab.set_key(std::to_string(cluster.key_id) + (per_pair ? "+" : "") +
                      " rfc4106(gcm(aes)) " + bytes + " 128");
}

void expect_settled(Cluster& cluster) {
  cluster.expect_everywhere("does not settle",
                            [&](const std::string& node) { return cluster.settled(node); });
}

// Permits loss until traffic flows everywhere and no agent has anything left to repair.
void get_over(Cluster& cluster, const std::string& node) {
  cluster.expect_traffic(node);
  expect_settled(cluster);
  cluster.expect_traffic(node);
  cluster.ledger.close(Clock::now());
}

}  // namespace

std::string key_round(Cluster& cluster) {
  set_new_key(cluster, !cluster.one_in(3));
  std::string what =
      "id " + std::to_string(cluster.key_id) + (cluster.per_pair ? " for each pair" : " for all");
  if (cluster.one_in(3)) {
    cluster.pause(Seconds(0.5));
    const std::string& node = cluster.any_restartable();
    what += ", " + cluster.end_agent(node);
    cluster.pause(Seconds(0.5));
    cluster.start_again(node);
  }
  cluster.expect_everywhere(
      "does not send with key " + std::to_string(cluster.key_id),
      [&](const std::string& node) { return cluster.sends_with(node, cluster.key_id); });
  if (cluster.one_in(2)) return what;
  cluster.expect_everywhere(
      "holds more than key " + std::to_string(cluster.key_id),
      [&](const std::string& node) { return cluster.holds_only(node, cluster.key_id); });
  return what + ", until it is the only one";
}

void with_pair_keys(Cluster& cluster) {
  if (!cluster.per_pair) set_new_key(cluster, true);
}

std::string restart_round(Cluster& cluster) {
  const std::string& node = cluster.any_restartable();
  const std::string what = cluster.end_agent(node);
  cluster.pause(Seconds(1.5));
  cluster.start_again(node);
  if (cluster.one_in(3)) {  // during its first pass
    cluster.lab.agent(node).kill();
    cluster.start_again(node);
  }
  expect_settled(cluster);
  return what;
}

std::string api_round(Cluster& cluster) {
  cluster.lab.api().go_away();
  std::string what = "away";
  cluster.pause(Seconds(2));
  const std::string& node = cluster.any_restartable();
  if (cluster.one_in(3)) {
    what += ", " + cluster.end_agent(node) + " meanwhile";
    cluster.start(node);
  }
  cluster.pause(Seconds(2));
  if (cluster.one_in(3)) {
    cluster.lab.api().forget_history();
    what += ", comes back without its history";
  }
  cluster.lab.api().come_back();
  expect_settled(cluster);
  return what;
}

std::string flush_round(Cluster& cluster) {
  const std::string& node = cluster.any_node();
  const std::string what = cluster.one_in(3) ? "policy" : "state";
  cluster.ledger.open(node, "a foreign xfrm " + what + " flush", Clock::now());
  must_in(node, "ip xfrm " + what + " flush");
  get_over(cluster, node);
  return "ip xfrm " + what + " flush on " + node;
}

// The default route belongs to the node: setting the link up must restore it.
std::string flap_round(Cluster& cluster) {
  const std::string& node = cluster.any_node();
  cluster.ledger.open(node, "an uplink that was down", Clock::now());
  must_in(node, "ip link set eth0 down");
  cluster.pause(Seconds(2));
  must_in(node, "ip link set eth0 up && ip route replace default via 172.18.0.1 dev eth0");
  get_over(cluster, node);
  return "eth0 of " + node;
}

}  // namespace pellicle::soak
