#include "agent/status/metrics.h"

#include <algorithm>
#include <cctype>

#include "agent/http/metrics_text.h"
#include "agent/status/peer_states.h"
#include "agent/status/sequence_use.h"

namespace pellicle {

namespace {

using Labels = MetricsText::Labels;

// Counters whose name in Cilium's metrics is not their own name in snake case.
const std::map<std::string, XfrmErrorName> kErrorNames = {
    {"XfrmInError", {"inbound", "other"}},
    {"XfrmInBufferError", {"inbound", "no_buffer"}},
    {"XfrmInHdrError", {"inbound", "header"}},
    {"XfrmInNoStates", {"inbound", "no_state"}},
    {"XfrmInStateProtoError", {"inbound", "state_protocol"}},
    {"XfrmInStateModeError", {"inbound", "state_mode"}},
    {"XfrmInStateSeqError", {"inbound", "state_sequence"}},
    {"XfrmInStateMismatch", {"inbound", "state_mismatched"}},
    {"XfrmInTmplMismatch", {"inbound", "template_mismatched"}},
    {"XfrmInNoPols", {"inbound", "no_policy"}},
    {"XfrmInPolBlock", {"inbound", "policy_blocked"}},
    {"XfrmInPolError", {"inbound", "policy"}},
    {"XfrmFwdHdrError", {"inbound", "forward_header"}},
    {"XfrmAcquireError", {"inbound", "acquire"}},
    {"XfrmOutError", {"outbound", "other"}},
    {"XfrmOutBundleGenError", {"outbound", "bundle_generation"}},
    {"XfrmOutBundleCheckError", {"outbound", "bundle_check"}},
    {"XfrmOutNoStates", {"outbound", "no_state"}},
    {"XfrmOutStateProtoError", {"outbound", "state_protocol"}},
    {"XfrmOutStateModeError", {"outbound", "state_mode"}},
    {"XfrmOutStateSeqError", {"outbound", "state_sequence"}},
    {"XfrmOutPolBlock", {"outbound", "policy_blocked"}},
    {"XfrmOutPolDead", {"outbound", "policy_dead"}},
    {"XfrmOutPolError", {"outbound", "policy"}},
};

uint64_t seconds(std::chrono::system_clock::time_point time) {
  return static_cast<uint64_t>(
      std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

void node_metrics(MetricsText& metrics, const StatusFacts& status) {
  metrics.gauge("pellicle_version", "1, for the version in its label");
  metrics.value(uint64_t{1}, {{"version", PELLICLE_VERSION}});
  metrics.gauge("pellicle_start_time_seconds", "When the agent started, in seconds since 1970");
  metrics.value(seconds(status.started));
  metrics.gauge("pellicle_ready", "1 while everything the node depends on is programmed");
  metrics.value(uint64_t{status.ready});
  metrics.gauge("pellicle_problems", "What pellicle status complains about");
  metrics.value(status.problems.size());
  metrics.gauge("pellicle_endpoint", "Pods of this node");
  metrics.value(status.endpoints);
  const auto family = [](const PoolUse& pool) {
    return Labels{{"family", pool.pod_cidr.family() == Family::v4 ? "ipv4" : "ipv6"}};
  };
  metrics.gauge("pellicle_ip_addresses", "Addresses of the PodCIDR that are in use");
  for (const auto& pool : status.pools) metrics.value(uint64_t{pool.allocated}, family(pool));
  metrics.gauge("pellicle_ip_addresses_usable", "Addresses that the PodCIDR has");
  for (const auto& pool : status.pools) metrics.value(uint64_t{pool.usable}, family(pool));
  metrics.gauge("pellicle_peers", "PodCIDRs of other nodes: encrypted to, or not ready or refused");
  const auto& peers = status.cluster.peers;
  const PeerStates states(status.cluster, status.refusals);
  const auto encrypted =
      static_cast<uint64_t>(std::count_if(peers.begin(), peers.end(), [&](const Peer& peer) {
        return states.of(peer) == "encrypted";
      }));
  metrics.value(encrypted, {{"state", "encrypted"}});
  metrics.value(peers.size() - encrypted + status.cluster.unready.size(), {{"state", "unready"}});
  metrics.counter("pellicle_drop_count_total", "Packets that the eBPF programs dropped");
  for (const auto& [reason, count] : status.drops) {
    metrics.value(count.packets, {{"reason", reason}});
  }
  metrics.counter("pellicle_drop_bytes_total", "Bytes of those packets");
  for (const auto& [reason, count] : status.drops) metrics.value(count.bytes, {{"reason", reason}});
  if (status.forgeries.empty()) return;
  metrics.counter("pellicle_forged_packets_total", "Packets that came in another node's name");
  for (const auto& each : status.forgeries) {
    metrics.value(each.count.packets,
                  {{"kind", each.kind}, {"sender", each.sender}, {"owner", each.owner}});
  }
}

void agent_metrics(MetricsText& metrics, const StatusFacts& status) {
  metrics.counter("pellicle_passes_total", "Comparisons of the kernel with what is desired");
  metrics.value(status.passes);
  metrics.counter("pellicle_peer_changes_total",
                  "Changes of one peer that needed no such comparison");
  metrics.value(status.peer_changes);
  metrics.counter("pellicle_pass_seconds_total", "What they took, by part");
  metrics.value(status.times.dump, {{"part", "dump"}});
  metrics.value(status.times.compute, {{"part", "compute"}});
  metrics.value(status.times.apply, {{"part", "apply"}});
  metrics.gauge("pellicle_objects", "Kernel objects that are desired");
  for (const auto& [table, count] : status.objects) metrics.value(count, {{"table", table}});
  metrics.gauge("pellicle_objects_pending",
                "Changes that the kernel refused; they are tried again");
  metrics.value(status.refusals.size());
  metrics.gauge("pellicle_pass_failing", "1 while a comparison cannot be made at all");
  metrics.value(uint64_t{!status.failure.empty()});
  metrics.gauge("pellicle_api_watch_healthy", "1 while the API server is listened to");
  for (const auto& source : status.sources) {
    metrics.value(uint64_t{source.healthy}, {{"source", source.name}});
  }
  metrics.counter("pellicle_api_watch_troubles_total", "How often a watch failed and began anew");
  for (const auto& source : status.sources) {
    metrics.value(source.troubles, {{"source", source.name}});
  }
}

void health_metrics(MetricsText& metrics, const MetricsFacts& facts) {
  const auto& health = facts.status.health;
  if (health.interval.count() == 0) return;
  metrics.gauge("pellicle_unreachable_nodes", "Nodes that do not answer at their own address");
  metrics.value(health.unreachable(HealthWay::node));
  metrics.gauge("pellicle_unreachable_health_endpoints",
                "Nodes whose health endpoint does not answer through ESP");
  metrics.value(health.unreachable(HealthWay::tunnel));
  if (!facts.by_peer) return;
  std::map<Labels, const HealthResult*> asked;  // the worse result of both families
  for (const auto& [name, node] : health.nodes) {
    for (const auto& [path, result] : node.paths) {
      if (result.answer == HealthAnswer::none) continue;
      auto& worst = asked[{{"peer", name}, {"way", way_name(path.way)}}];
      if (worst == nullptr || worst->answer == HealthAnswer::good) worst = &result;
    }
  }
  metrics.gauge("pellicle_node_health_connectivity_status", "1: it answers on this way");
  for (const auto& [labels, result] : asked) {
    metrics.value(uint64_t{result->answer == HealthAnswer::good}, labels);
  }
  metrics.gauge("pellicle_node_health_connectivity_latency_seconds", "One round trip");
  for (const auto& [labels, result] : asked) {
    if (result->answer != HealthAnswer::good) continue;
    metrics.value(std::chrono::duration<double>(result->latency).count(), labels);
  }
}

void ipsec_metrics(MetricsText& metrics, const MetricsFacts& facts) {
  const auto& states = facts.encryption.states;
  metrics.gauge("pellicle_ipsec_keys", "Different keys among the states");
  metrics.value(keys_in_use(states));
  const auto sending = static_cast<uint64_t>(std::count_if(
      states.begin(), states.end(), [](const auto& state) { return is_sending(state.key); }));
  metrics.gauge("pellicle_ipsec_xfrm_states", "States of ours in the kernel");
  metrics.value(states.size() - sending, {{"direction", "in"}});
  metrics.value(sending, {{"direction", "out"}});
  metrics.gauge("pellicle_ipsec_xfrm_policies", "Policies of ours that are desired");
  metrics.value(facts.policies_in, {{"direction", "in"}});
  metrics.value(facts.policies_out, {{"direction", "out"}});
  metrics.counter("pellicle_ipsec_xfrm_error_total", "Packets that XFRM threw away, of anybody");
  for (const auto& [counter, count] : facts.encryption.errors) {
    const auto name = xfrm_error_name(counter);
    metrics.value(count, {{"type", name.type}, {"error", name.error}});
  }
  const auto& newest = facts.status.keys.newest();
  if (!newest) return;
  metrics.gauge("pellicle_ipsec_key_id", "Id of the newest key");
  metrics.value(uint64_t{newest->id});
  uint64_t since = 0;
  for (const auto& state : states) {
    if (key_id(state.key) != newest->id || state.counters.added == 0) continue;
    since = since == 0 ? state.counters.added : std::min(since, state.counters.added);
  }
  if (since == 0) return;
  metrics.gauge("pellicle_ipsec_key_since_seconds", "Since when it is here, in seconds since 1970");
  metrics.value(since);
}

// Sums over the states of both families. A series ends when its states are removed.
struct PeerTraffic {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t replayed = 0;
  uint64_t outside_window = 0;
  uint64_t integrity_failed = 0;
  double sequence_used = 0;  // 0 to 1
  bool sends = false;
};

std::map<Labels, PeerTraffic> traffic_by_peer(const EncryptionFacts& facts) {
  std::map<Labels, PeerTraffic> all;
  for (const auto& state : facts.states) {
    const bool sends = is_sending(state.key);
    auto& traffic = all[{{"peer", peer_name(facts.peers, state)},
                         {"direction", sends ? "out" : "in"},
                         {"key", std::to_string(key_id(state.key))},
                         {"spi", std::to_string(state.key.spi)}}];
    traffic.sends = sends;
    traffic.packets += state.counters.packets;
    traffic.bytes += state.counters.bytes;
    traffic.replayed += state.counters.replayed;
    traffic.outside_window += state.counters.outside_window;
    traffic.integrity_failed += state.counters.integrity_failed;
    const auto used = static_cast<double>(state.counters.sent);
    traffic.sequence_used =
        std::max(traffic.sequence_used, used / static_cast<double>(state.last_sequence()));
  }
  return all;
}

void peer_metrics(MetricsText& metrics, const EncryptionFacts& facts) {
  const auto traffic = traffic_by_peer(facts);
  metrics.counter("pellicle_ipsec_packets_total", "Packets of a peer's states");
  for (const auto& [labels, sum] : traffic) metrics.value(sum.packets, labels);
  metrics.counter("pellicle_ipsec_bytes_total", "Bytes inside them");
  for (const auto& [labels, sum] : traffic) metrics.value(sum.bytes, labels);
  metrics.gauge("pellicle_ipsec_sequence_used_ratio",
                "Part of the sequence numbers to a peer that is used, 0 to 1");
  for (const auto& [labels, sum] : traffic) {
    if (sum.sends) metrics.value(sum.sequence_used, labels);
  }
  metrics.counter("pellicle_ipsec_rejected_total", "Packets that a peer's states refused");
  for (const auto& [labels, sum] : traffic) {
    if (sum.sends) continue;
    const auto because = [&labels = labels](const char* reason) {
      Labels more = labels;
      more.emplace_back("reason", reason);
      return more;
    };
    metrics.value(sum.replayed, because("replayed"));
    metrics.value(sum.outside_window, because("outside_window"));
    metrics.value(sum.integrity_failed, because("integrity"));
  }
}

}  // namespace

XfrmErrorName xfrm_error_name(const std::string& counter) {
  const auto known = kErrorNames.find(counter);
  if (known != kErrorNames.end()) return known->second;
  const bool outbound = counter.starts_with("XfrmOut");
  const bool inbound = counter.starts_with("XfrmIn");
  std::string error;
  for (const char c : counter.substr(outbound ? 7 : inbound ? 6 : 0)) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isupper(letter) && !error.empty()) error += '_';
    error += static_cast<char>(std::tolower(letter));
  }
  return {outbound ? "outbound" : "inbound", error};
}

bool tells_peers(const std::string& setting, size_t peers) {
  constexpr size_t kMost = 100;
  return setting == "auto" ? peers <= kMost : setting == "true";
}

std::string metrics_text(const MetricsFacts& facts) {
  MetricsText metrics;
  node_metrics(metrics, facts.status);
  agent_metrics(metrics, facts.status);
  health_metrics(metrics, facts);
  ipsec_metrics(metrics, facts);
  if (facts.by_peer) peer_metrics(metrics, facts.encryption);
  return metrics.text();
}

}  // namespace pellicle
