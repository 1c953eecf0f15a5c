#include "agent/status/metrics.h"

#include "tests/harness/catch.h"
#include "tests/harness/metrics.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using seed::cidr;
using seed::ip;

namespace {

ObservedState state(const char* src, const char* dst, uint32_t spi, Mark mark, uint64_t packets,
                    bool esn = false) {
  return {.key = {.dst = ip(dst), .spi = spi, .mark = mark},
          .value = {.src = ip(src), .algorithm = seed::gcm(), .esn = esn},
          .counters = {.sent = packets,
                       .bytes = 84 * packets,
                       .packets = packets,
                       .added = 86400,
                       .replayed = 1,
                       .outside_window = 2,
                       .integrity_failed = 3}};
}

MetricsFacts facts() {
  MetricsFacts facts;
  auto& status = facts.status;
  status.started = WallClock::time_point{} + 24h;
  status.ready = true;
  status.endpoints = 2;
  status.pools = {{.pod_cidr = cidr("10.0.1.0/24"), .allocated = 4, .usable = 254}};
  status.cluster.unready = {cidr("10.0.3.0/24")};
  status.drops = {{"no_key", {.packets = 2, .bytes = 196}}, {"no_state", {}}};
  status.sources = {{.name = "nodes", .synced = true, .healthy = true, .troubles = 3},
                    {.name = "secret kube-system/cilium-ipsec-keys"}};
  status.objects = {{"state", 4}, {"block policy", 1}};
  status.passes = 7;
  status.peer_changes = 3;
  status.times = {.dump = 0.5, .compute = 0.25, .apply = 1};
  status.keys.take(IpsecKey{.id = 3, .algorithm = seed::gcm()});
  facts.policies_in = 3;
  facts.policies_out = 4;
  auto& encryption = facts.encryption;
  encryption.peers = cluster(seed::worker()).peers;
  status.cluster.peers = encryption.peers;
  encryption.errors = {{"XfrmInNoStates", 2}, {"XfrmOutPolBlock", 5}, {"XfrmInIptfsError", 1}};
  encryption.states = {state("10.0.1.138", "10.0.0.40", 3, encrypt_mark(3), 0x40000000),
                       state("10.0.1.138", "10.0.2.52", 3, encrypt_mark(3), 1000, true),
                       state("0.0.0.0", "10.0.1.138", 3, kDecryptMark, 500)};
  return facts;
}

}  // namespace

TEST_CASE("metrics: a node's are what a Prometheus takes, and say what status says") {
  const auto text = metrics_text(facts());
  CAPTURE(text);
  CHECK(metrics_problems(text) == std::vector<std::string>{});
  const std::map<std::string, double> wanted = {
      {"pellicle_version{version=\"" PELLICLE_VERSION "\"}", 1},
      {"pellicle_start_time_seconds", 86400},
      {"pellicle_ready", 1},
      {"pellicle_problems", 0},
      {"pellicle_endpoint", 2},
      {"pellicle_ip_addresses{family=\"ipv4\"}", 4},
      {"pellicle_ip_addresses_usable{family=\"ipv4\"}", 254},
      {"pellicle_peers{state=\"encrypted\"}", 2},
      {"pellicle_peers{state=\"unready\"}", 1},
      {"pellicle_drop_count_total{reason=\"no_key\"}", 2},
      {"pellicle_drop_bytes_total{reason=\"no_key\"}", 196},
      {"pellicle_passes_total", 7},
      {"pellicle_peer_changes_total", 3},
      {"pellicle_pass_seconds_total{part=\"compute\"}", 0.25},
      {"pellicle_objects{table=\"block policy\"}", 1},
      {"pellicle_objects_pending", 0},
      {"pellicle_pass_failing", 0},
      {"pellicle_api_watch_healthy{source=\"nodes\"}", 1},
      {"pellicle_api_watch_healthy{source=\"secret kube-system/cilium-ipsec-keys\"}", 0},
      {"pellicle_api_watch_troubles_total{source=\"nodes\"}", 3},
      {"pellicle_ipsec_keys", 1},
      {"pellicle_ipsec_key_id", 3},
      {"pellicle_ipsec_key_since_seconds", 86400},
      {"pellicle_ipsec_xfrm_states{direction=\"in\"}", 1},
      {"pellicle_ipsec_xfrm_states{direction=\"out\"}", 2},
      {"pellicle_ipsec_xfrm_policies{direction=\"in\"}", 3},
      {"pellicle_ipsec_xfrm_policies{direction=\"out\"}", 4},
      {"pellicle_ipsec_xfrm_error_total{type=\"inbound\",error=\"no_state\"}", 2},
      {"pellicle_ipsec_xfrm_error_total{type=\"outbound\",error=\"policy_blocked\"}", 5},
      {"pellicle_ipsec_xfrm_error_total{type=\"inbound\",error=\"iptfs_error\"}", 1},
  };
  for (const auto& [series, value] : wanted) {
    CAPTURE(series);
    CHECK(metric(text, series) == value);
  }
}

TEST_CASE("metrics: packets in another's name, by both") {
  auto forged = facts();
  CHECK(metrics_text(forged).find("pellicle_forged") == std::string::npos);
  forged.status.forgeries = {
      {.kind = "in_esp", .sender = "worker2", .owner = "control-plane", .count = {.packets = 3}},
      {.kind = "clear_dropped", .owner = "worker2", .count = {.packets = 4}}};
  const auto text = metrics_text(forged);
  CHECK(metrics_problems(text) == std::vector<std::string>{});
  CHECK(metric(text,
               "pellicle_forged_packets_total{kind=\"in_esp\",sender=\"worker2\",owner="
               "\"control-plane\"}") == 3);
  CHECK(metric(text,
               "pellicle_forged_packets_total{kind=\"clear_dropped\",sender=\"\",owner="
               "\"worker2\"}") == 4);
}

TEST_CASE("metrics: a peer whose entry the kernel refused counts among the unready") {
  auto refused = facts();
  refused.status.refusals = {{.operation = Change<PeerEntry>{.key = {cidr("10.0.0.0/24")}}}};
  const auto text = metrics_text(refused);
  CHECK(metric(text, "pellicle_peers{state=\"encrypted\"}") == 1);
  CHECK(metric(text, "pellicle_peers{state=\"unready\"}") == 2);
}

TEST_CASE("metrics: what goes to a peer and comes from it, by key and SPI") {
  const auto text = metrics_text(facts());
  CAPTURE(text);
  const std::string worker2 = R"({peer="worker2",direction="out",key="3",spi="3"})";
  CHECK(metric(text, "pellicle_ipsec_packets_total" + worker2) == 0x40000000);
  CHECK(metric(text, "pellicle_ipsec_bytes_total" + worker2) == 84.0 * 0x40000000);
  CHECK(metric(text, "pellicle_ipsec_sequence_used_ratio" + worker2).value() == Approx(0.25));
  const double of_esn = metric_sum(text, "pellicle_ipsec_sequence_used_ratio", {"control-plane"});
  CHECK(of_esn > 0);
  CHECK(of_esn < 1e-15);
  CHECK(metric_sum(text, "pellicle_ipsec_packets_total", {R"(direction="in")"}) == 500);
  CHECK(metric_sum(text, "pellicle_ipsec_rejected_total", {R"(reason="replayed")"}) == 1);
  CHECK(metric_sum(text, "pellicle_ipsec_rejected_total", {R"(reason="integrity")"}) == 3);
  CHECK(metric_sum(text, "pellicle_ipsec_rejected_total", {R"(direction="out")"}) == 0);
}

TEST_CASE("metrics: both families of a peer are one series, and peers can be left out") {
  auto both = facts();
  both.encryption.states.push_back(both.encryption.states.front());
  const auto text = metrics_text(both);
  CHECK(metrics_problems(text) == std::vector<std::string>{});
  CHECK(metric_sum(text, "pellicle_ipsec_packets_total", {"worker2"}) == 2.0 * 0x40000000);
  both.by_peer = false;
  CHECK(metrics_text(both).find("worker2") == std::string::npos);
}

TEST_CASE("metrics: before anything is known there are some all the same") {
  const auto text = metrics_text({});
  CAPTURE(text);
  CHECK(metrics_problems(text) == std::vector<std::string>{});
  CHECK(metric(text, "pellicle_ready") == 0);
  CHECK_FALSE(metric(text, "pellicle_ipsec_key_id"));
}

TEST_CASE("metrics: of each peer as the setting has it, and by default up to a hundred") {
  CHECK(tells_peers("auto", 100));
  CHECK_FALSE(tells_peers("auto", 101));
  CHECK(tells_peers("true", 5000));
  CHECK_FALSE(tells_peers("false", 1));
}

}  // namespace this_file
