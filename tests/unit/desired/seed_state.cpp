// The complete kernel state of the seed's worker, object by object (datapath contract, section 2
// and the block policy of section 4).
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

const Mark kOut{0x3e00, 0xff00};
const Mark kEncrypted{0xe00, 0xf00};
const Mark kDecrypted{0xd00, 0xf00};

void expect_xfrm(KernelState& state) {
  state.block_policies = {{{Direction::out, cidr("0.0.0.0/0"), cidr("0.0.0.0/0"), kEncrypted},
                           {.block = true, .priority = 100, .tmpl = std::nullopt}},
                          {{Direction::out, cidr("::/0"), cidr("::/0"), kEncrypted},
                           {.block = true, .priority = 100, .tmpl = std::nullopt}}};
  const auto esp_state = [&](const char* src, const char* dst, Mark mark, Mark output_mark) {
    state.states[{ip(dst), 3, mark}] = {.src = ip(src),
                                        .reqid = 1,
                                        .output_mark = output_mark,
                                        .algorithm = seed::gcm(),
                                        .replay_window = 0,
                                        .esn = false};
  };
  esp_state("10.0.1.138", "10.0.0.40", kOut, kEncrypted);
  esp_state("10.0.1.138", "10.0.2.52", kOut, kEncrypted);
  esp_state("0.0.0.0", "10.0.1.138", kDecrypted, kDecrypted);

  const auto out = [&](const char* dst, const char* peer) {
    state.policies[{Direction::out, cidr("10.0.1.0/24"), cidr(dst), kOut}] = {
        .priority = 0, .tmpl = Policy::Template{ip("10.0.1.138"), ip(peer), 3, 1, false}};
  };
  out("10.0.0.0/24", "10.0.0.40");
  out("10.0.2.0/24", "10.0.2.52");
  const auto in = [&](Direction direction, Mark mark, uint32_t priority, bool optional) {
    state.policies[{direction, cidr("0.0.0.0/0"), cidr("10.0.1.0/24"), mark}] = {
        .priority = priority,
        .tmpl = Policy::Template{ip("0.0.0.0"), ip("10.0.1.138"), 0, 1, optional}};
  };
  const Policy for_node{.tmpl = Policy::Template{ip("0.0.0.0"), ip("10.0.1.138"), 0, 1, true}};
  const auto node = cidr("172.18.0.3/32");
  state.policies[{Direction::in, cidr("0.0.0.0/0"), node, {0x200, 0xf00}}] = for_node;
  state.policies[{Direction::fwd, cidr("0.0.0.0/0"), node, {0x200, 0xb00}}] = for_node;
  in(Direction::in, kDecrypted, 0, false);
  in(Direction::in, {0x200, 0xf00}, 0, true);
  in(Direction::fwd, {0, 0xf00}, 2975, true);
}

void expect_routing(KernelState& state) {
  const IpAddress router = ip("10.0.1.138");
  state.routes = {
      {{254, cidr("10.0.0.0/24")}, {.dev = "eth0", .gateway = ip("172.18.0.4")}},
      {{254, cidr("10.0.2.0/24")}, {.dev = "eth0", .gateway = ip("172.18.0.2")}},
      {{254, cidr("10.0.1.138/32")}, {.dev = "cilium_host", .scope = 253}},
      {{254, cidr("10.0.1.0/24")}, {.dev = "cilium_host", .gateway = router, .src = router}},
      {{200, cidr("10.0.0.0/24")}, {.dev = "cilium_host", .mtu = 1500}},
      {{200, cidr("10.0.2.0/24")}, {.dev = "cilium_host", .mtu = 1500}},
      {{200, cidr("10.0.1.0/24")},
       {.type = RouteType::local, .dev = "eth0", .scope = 254, .protocol = 50}},
      // Packets without a mark go to cilium_host as well.
      {{214, cidr("10.0.0.0/24")}, {.dev = "cilium_host", .src = router}},
      {{214, cidr("10.0.2.0/24")}, {.dev = "cilium_host", .src = router}},
      {{214, cidr("10.0.0.0/24"), 4096}, {.type = RouteType::unreachable}},
      {{214, cidr("10.0.2.0/24"), 4096}, {.type = RouteType::unreachable}},
  };
  state.rules = {{{Family::v4, 1, kDecrypted, 200}, {}},
                 {{Family::v4, 1, kEncrypted, 200}, {}},
                 {{Family::v4, 2, {}, 254, cidr("10.0.1.138/32"), 50}, {}},
                 {{Family::v4, 3, {}, 214, cidr("10.0.1.0/24")}, {}},
                 // ICMP errors of the node about decrypted packets.
                 {{Family::v4, 101, {}, 214, std::nullopt, 1, std::nullopt, true}, {}}};
  state.local_rules = {{{Family::v4}, {.priorities = {100}}}};
}

void expect_devices(KernelState& state) {
  state.links = {{{"cilium_host"}, {.peer = "cilium_net", .mtu = 1500, .noarp = true, .up = true}}};
  state.addresses = {
      {{"cilium_host", ip("10.0.1.138")}, {.prefix_length = 32, .scope_link = true}}};
  const auto sysctl = [&](const std::string& path, const char* value) {
    state.sysctls[{"net/ipv4/conf/" + path}] = {value};
  };
  for (const std::string device :
       {"cilium_host", "cilium_net", "eth0", "lxc0123456789ab", "lxcba9876543210"}) {
    sysctl(device + "/rp_filter", "0");
    sysctl(device + "/forwarding", "1");
  }
  sysctl("all/rp_filter", "0");
  sysctl("all/disable_xfrm", "0");
  sysctl("cilium_host/disable_xfrm", "0");
  sysctl("eth0/disable_xfrm", "0");
  sysctl("lxc0123456789ab/accept_local", "1");
  sysctl("lxcba9876543210/accept_local", "1");
  sysctl("cilium_net/accept_local", "1");
}

void expect_programs(KernelState& state) {
  state.datapath_config = {{{},
                            {.v4 = {{.pod_cidr = cidr("10.0.1.0/24"), .router = ip("10.0.1.138")}},
                             .address4 = ip("172.18.0.3"),
                             .host_device = "cilium_host",
                             .net_device = "cilium_net",
                             .uplink = "eth0"}}};
  state.peers = {{{cidr("10.0.0.0/24")}, {3}}, {{cidr("10.0.2.0/24")}, {3}}};
  const auto dropped = ClearText::is_dropped;
  state.owners = {
      {{cidr("10.0.0.0/24")}, {.router = ip("10.0.0.40")}},
      {{cidr("172.18.0.4/32")}, {.router = ip("10.0.0.40")}},
      {{cidr("10.0.2.0/24")}, {.router = ip("10.0.2.52")}},
      {{cidr("172.18.0.2/32")}, {.router = ip("10.0.2.52")}},
      {{cidr("10.0.1.0/24")}, {.router = ip("10.0.1.138"), .to_pods = dropped, .to_node = dropped}},
      {{cidr("172.18.0.3/32")}, {.router = ip("10.0.1.138")}}};
  const auto mac = [](const char* text) { return Mac::parse(text).value(); };
  state.endpoints = {
      {{ip("10.0.1.52")}, {"lxc0123456789ab", mac("02:00:00:00:01:01"), mac("02:00:00:00:01:02")}},
      {{ip("10.0.1.103")},
       {"lxcba9876543210", mac("02:00:00:00:02:01"), mac("02:00:00:00:02:02")}}};
  state.auditors = {{{"eth0", false}, {"pell_uplink_out", "0000000000000002", true}}};
  state.attachments = {
      {{"eth0", true}, {"pell_uplink_in", "0000000000000001", true}},
      {{"cilium_net", true}, {"pell_net_in", "0000000000000003", true}},
      {{"cilium_host", false}, {"pell_host_out", "0000000000000004", true}},
      {{"lxc0123456789ab", true}, {"pell_lxc_in", "0000000000000005", true}},
      {{"lxcba9876543210", true}, {"pell_lxc_in", "0000000000000005", true}},
  };
  const std::string nated_before =
      " -m connmark --mark 0x0/0x1000 -m conntrack --ctstate SNAT --ctdir ORIGINAL "
      "-j MARK --set-xmark 0x400/0x400";
  state.netfilter = {
      {{Family::v4, "raw", "PELLICLE_PREROUTING"},
       {.parent = "PREROUTING",
        .rules = {"-p esp -m mark --mark 0xd00/0xf00 -j CT --notrack",
                  "-i cilium_net -j CT --notrack"}}},
      {{Family::v4, "raw", "PELLICLE_OUTPUT"},
       {.parent = "OUTPUT", .rules = {"-p esp -m mark --mark 0xe00/0xf00 -j CT --notrack"}}},
      {{Family::v4, "mangle", "PELLICLE_FORWARD"},
       {.parent = "FORWARD",
        .rules = {"-m mark --mark 0xe00/0xf00 -j MARK --set-xmark 0x0/0xf000"}}},
      {{Family::v4, "mangle", "PELLICLE_PREROUTING"},
       {.parent = "PREROUTING",
        .rules = {"-m mark --mark 0x0 -m policy --dir in --pol none" + nated_before,
                  "-m mark --mark 0x100" + nated_before, "-m mark --mark 0x200" + nated_before}}},
      {{Family::v4, "mangle", "PELLICLE_OUTPUT"},
       {.parent = "OUTPUT", .rules = {"-m mark --mark 0x0" + nated_before}}},
      {{Family::v4, "mangle", "PELLICLE_POSTROUTING"},
       {.parent = "POSTROUTING",
        .rules = {"-o cilium_host -m mark --mark 0x4000/0x4800 -m conntrack --ctstate NEW "
                  "-j CONNMARK --set-xmark 0x1000/0x1000",
                  "-s 10.0.1.0/24 -m mark --mark 0x400/0xc00 -m conntrack ! --ctstate SNAT -j DROP",
                  "-m mark --mark 0x400/0xc00 -m conntrack --ctstate SNAT --ctdir ORIGINAL "
                  "-j MARK --set-xmark 0x0/0x400"}}},
      {{Family::v4, "filter", "PELLICLE_MARKED"},
       {.parent = "FORWARD",
        .rules = {"-i cilium_net -o cilium_host -m mark --mark 0xe00/0xf00 -j ACCEPT"}}},
      {{Family::v4, "nat", "PELLICLE_POSTROUTING"},
       {.parent = "POSTROUTING",
        .rules = {"-o cilium_host -m mark --mark 0x4000/0x4800 -j SNAT --to-source 172.18.0.3 "
                  "--random-fully"}}},
      {{Family::v4, "filter", "PELLICLE_INPUT"},
       {.parent = "INPUT", .rules = {"-m mark --mark 0xd00/0xf00 -j ACCEPT"}}},
      {{Family::v4, "filter", "PELLICLE_FORWARD"},
       {.parent = "FORWARD",
        .rules = {"-o cilium_host -j ACCEPT", "-s 10.0.1.0/24 -i lxc+ -j ACCEPT"}}},
      {{Family::v4, "filter", "PELLICLE_OUTPUT"},
       {.parent = "OUTPUT", .rules = {"-m mark --mark 0xe00/0xf00 -j ACCEPT"}}}};
}

KernelState expected() {
  KernelState state;
  expect_xfrm(state);
  expect_routing(state);
  expect_devices(state);
  expect_programs(state);
  for (const auto& [device, address] : {std::pair("lxc0123456789ab", "fe80::ff:fe00:101"),
                                        {"lxcba9876543210", "fe80::ff:fe00:201"}}) {
    state.sources[{device, Cidr::host(ip(address))}] = {};
  }
  return state;
}

template <class Kind>
std::vector<std::string> lines(const Table<Kind>& table) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : table) lines.push_back(describe(key, value));
  return lines;
}

}  // namespace

TEST_CASE("worker's desired state is the seed's, object for object") {
  const auto desired = compute(seed::worker());
  const auto wanted = expected();
  REQUIRE(desired.problems.empty());
  for_each_table([&](const char* name, auto table) {
    INFO(name);
    CHECK(lines(desired.state.*table) == lines(wanted.*table));
    const bool equal = desired.state.*table == wanted.*table;
    CHECK(equal);
  });
}

TEST_CASE("the address on cilium_host, the published one and a free one follow one another") {
  auto inputs = seed::worker();
  inputs.nodes["worker"].router_ipv4.reset();
  CHECK(compute(inputs).state.addresses.contains({"cilium_host", ip("10.0.1.1")}));
  inputs.nodes["worker"].router_ipv4 = ip("10.0.1.138");
  CHECK(compute(inputs).state.addresses.contains({"cilium_host", ip("10.0.1.138")}));
  inputs.host.router_ipv4 = ip("10.0.1.7");
  CHECK(compute(inputs).state.addresses.contains({"cilium_host", ip("10.0.1.7")}));
}

TEST_CASE("another uplink, MTU and key id appear wherever they belong") {
  auto inputs = seed::worker();
  inputs.host.uplinks[ip("192.168.7.3")] = {.name = "bond0.7", .mtu = 9000};
  inputs.settings.uplink = "bond0.7";
  inputs.key->id = 15;
  for (auto& [name, node] : inputs.nodes) node.key_id = 15;
  const auto state = compute(inputs).state;
  CHECK(state.links.at({"cilium_host"}).mtu == 9000);
  CHECK(state.routes.at({200, cidr("10.0.0.0/24")}).mtu == 9000);
  CHECK(state.routes.at({200, cidr("10.0.1.0/24")}).dev == "bond0.7");
  CHECK(state.routes.at({254, cidr("10.0.0.0/24")}).dev == "bond0.7");
  CHECK(state.sysctls.at({"net/ipv4/conf/bond0.7/rp_filter"}).value == "0");
  CHECK_FALSE(state.sysctls.contains({"net/ipv4/conf/eth0/rp_filter"}));
  CHECK(state.auditors.contains({"bond0.7", false}));
  CHECK(state.peers.at({cidr("10.0.0.0/24")}).key_id == 15);
  CHECK(state.states.contains({ip("10.0.0.40"), 15, {0xfe00, 0xff00}}));
  CHECK(state.policies
            .at({Direction::out, cidr("10.0.1.0/24"), cidr("10.0.0.0/24"), {0xfe00, 0xff00}})
            .tmpl->spi == 15);
}

TEST_CASE("what pods send beyond the native network is masqueraded, to peers never") {
  auto inputs = seed::worker();
  const NetfilterChain::Key key{Family::v4, "nat", "PELLICLE_POSTROUTING"};
  inputs.settings.native_cidr = seed::cidr("10.0.0.0/8");
  const auto rules = [&] {
    auto all = compute(inputs).state.netfilter.at(key).rules;
    all.erase(all.begin());  // for kube-proxy's masquerade mark
    return all;
  };
  CHECK(rules() == std::vector<std::string>{"-s 10.0.1.0/24 -d 10.0.0.0/8 -j RETURN",
                                            "-s 10.0.1.0/24 ! -o cilium_+ -j MASQUERADE"});
  CHECK(compute(inputs).state.netfilter.at(key).parent == "POSTROUTING");

  inputs.settings.native_cidr = seed::cidr("10.0.1.0/24");
  inputs.settings.masquerade_exceptions = {seed::cidr("192.168.0.0/16"), seed::cidr("10.0.1.7/32")};
  CHECK(rules() == std::vector<std::string>{"-s 10.0.1.0/24 -d 10.0.1.0/24 -j RETURN",
                                            "-s 10.0.1.0/24 -d 192.168.0.0/16 -j RETURN",
                                            "-s 10.0.1.0/24 -d 10.0.2.0/24 -j RETURN",
                                            "-s 10.0.1.0/24 -d 10.0.0.0/24 -j RETURN",
                                            "-s 10.0.1.0/24 ! -o cilium_+ -j MASQUERADE"});

  inputs.settings.native_cidr = seed::cidr("0.0.0.0/0");
  CHECK(rules().empty());
}

TEST_CASE("netfilter rules are left out when the setting says so") {
  auto inputs = seed::worker();
  inputs.settings.netfilter = false;
  CHECK(compute(inputs).state.netfilter.empty());
}

}  // namespace pellicle::this_file
