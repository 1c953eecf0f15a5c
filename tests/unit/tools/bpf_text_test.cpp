#include "tools/ctl/bpf_text.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::ctl;

namespace {

KernelState state() {
  KernelState state;
  state.peers[{*Cidr::parse("10.0.0.0/24")}] = {.key_id = 3};
  state.peers[{*Cidr::parse("10.0.2.0/24")}] = {.key_id = 0};
  state.node_peers[{*Cidr::parse("172.18.0.3/32")}] = {.key_id = 3, .node = true};
  state.endpoints[{*IpAddress::parse("10.0.1.52")}] = {.device = "lxc0123456789ab"};
  state.datapath_config[{}] = {
      .v4 = DatapathConfig::Network{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse("10.0.1.107")},
      .v6 = {},
      .host_device = "cilium_host",
      .net_device = "cilium_net",
      .uplink = "eth0",
      .host_encryption = true};
  return state;
}

}  // namespace

TEST_CASE("destinations say what they are and what is done with packets for them") {
  const auto json = bpf_peers_json(state());
  CHECK(json.dump() == R"([{"cidr":"10.0.0.0/24","kind":"pods","action":"encrypt","key":3},)"
                       R"({"cidr":"10.0.2.0/24","kind":"pods","action":"drop","key":null},)"
                       R"({"cidr":"172.18.0.3/32","kind":"node","action":"encrypt","key":3}])");
  CHECK(bpf_peers_text(json) ==
        "DESTINATION    WHAT              ACTION   KEY\n"
        "10.0.0.0/24    a node's pods     encrypt  3\n"
        "10.0.2.0/24    a node's pods     drop     -\n"
        "172.18.0.3/32  a node's address  encrypt  3\n");
  CHECK(bpf_peers_text(bpf_peers_json({})) == "no peers: nothing is sent encrypted\n");
}

TEST_CASE("drops are those there were, or all reasons") {
  const auto json = bpf_drops_json({{"no_key", {7, 686}}, {"tagged", {}}});
  CHECK(bpf_drops_text(json, false) ==
        "REASON  PACKETS  BYTES\n"
        "no_key  7        686\n");
  CHECK(bpf_drops_text(json, true) ==
        "REASON  PACKETS  BYTES\n"
        "no_key  7        686\n"
        "tagged  0        0\n");
  CHECK(bpf_drops_text(bpf_drops_json({{"tagged", {}}}), false) == "no packet was dropped\n");
}

TEST_CASE("maps, endpoints and the configuration are shown with their words") {
  CHECK(bpf_maps_text(bpf_maps_json({{.name = "pellicle_peers",
                                      .type = "lpm_trie",
                                      .entries = 2,
                                      .max_entries = 16384,
                                      .bytes = 4096},
                                     {.name = "pellicle_events",
                                      .type = "ringbuf",
                                      .entries = std::nullopt,
                                      .max_entries = 262144,
                                      .bytes = 262144}})) ==
        "MAP              TYPE      ENTRIES  BYTES\n"
        "pellicle_peers   lpm_trie  2/16384  4096\n"
        "pellicle_events  ringbuf   -        262144\n");
  CHECK(bpf_endpoints_text(bpf_endpoints_json(state())) ==
        "ADDRESS    DEVICE           POD MAC            HOST MAC\n"
        "10.0.1.52  lxc0123456789ab  00:00:00:00:00:00  00:00:00:00:00:00\n");
  CHECK(bpf_config_text(bpf_config_json(state())) ==
        "ipv4 = 10.0.1.0/24, cilium_host 10.0.1.107\n"
        "ipv6 = none\n"
        "hostDevice = cilium_host\n"
        "netDevice = cilium_net\n"
        "uplink = eth0\n"
        "hostEncryption = true\n");
  CHECK(bpf_config_json({}).is_null());
  CHECK_THAT(bpf_config_text(nullptr), Catch::StartsWith("not filled: "));
}

TEST_CASE("hooks are shown in the order in which they run, with what runs before ours below") {
  const HookEntry own{.kind = "bpf",
                      .program = "pell_uplink_out",
                      .id = 4000000012,
                      .tag = "0123456789abcdef",
                      .priority = 1,
                      .handle = 0x50656c6c,
                      .ours = true};
  const HookEntry classic{.kind = "bpf", .priority = 1, .handle = 2};
  const HookEntry tcx{.kind = "tcx", .program = "trace", .id = 7, .tag = "00000000000000ff"};
  const std::vector<Hook> hooks{{"eth0", true, {own, {.kind = "flower", .priority = 49152}}},
                                {"lxc0123456789ab", false, {tcx, classic, own}}};
  const auto json = bpf_hooks_json(hooks);
  CHECK(json[0]["oursFirst"] == true);
  CHECK(json[1]["oursFirst"] == false);
  CHECK(json[1]["order"][1].dump() ==
        R"({"position":2,"kind":"bpf","ours":false,"program":null,"id":null,"tag":null,)"
        R"("priority":1,"handle":2})");
  const auto text = bpf_hooks_text(json, hook_problems(hooks));
  CHECK_THAT(
      text,
      Catch::StartsWith(
          "DEVICE           HOOK     RUNS  PRIO   PROGRAM          ID          TAG\n"
          "eth0             ingress  1     1      pell_uplink_out  4000000012  0123456789abcdef\n"
          "eth0             ingress  2     49152  (flower)         -           -\n"
          "lxc0123456789ab  egress   1     tcx    trace            7           00000000000000ff\n"
          "lxc0123456789ab  egress   2     1      (classic BPF)    -           -\n"));
  CHECK_THAT(text, Catch::Contains("\nDevice lxc0123456789ab egress: the tcx program trace"));
  CHECK_THAT(text, Catch::Contains("\nDevice lxc0123456789ab egress: the classic BPF filter"));
  CHECK(bpf_hooks_text(bpf_hooks_json({}), {}) == "no program of Pellicle's is on a device\n");
}

}  // namespace this_file
