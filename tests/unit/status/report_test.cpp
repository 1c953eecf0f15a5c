#include "agent/status/report.h"

#include <cerrno>

#include "tests/harness/catch.h"
#include "tools/ctl/status_text.h"

namespace this_file {

using namespace pellicle;

namespace {

StatusFacts some_facts() {
  StatusFacts facts;
  facts.node_name = "worker";
  facts.server = "https://172.18.0.1:6443";
  facts.sources = {{.name = "nodes", .synced = true, .healthy = true}};
  facts.keys.take(IpsecKey{.id = 3,
                           .algorithm = Aead{.name = "rfc4106(gcm(aes))",
                                             .key = SecretBytes(std::vector<uint8_t>(20, 0xab)),
                                             .icv_bits = 128}});
  facts.cluster.peers = {{.name = "worker2",
                          .pod_cidr = *Cidr::parse("10.0.0.0/24"),
                          .internal_ip = *IpAddress::parse("172.18.0.4"),
                          .router = *IpAddress::parse("10.0.0.40")}};
  facts.cluster.unready = {*Cidr::parse("10.0.3.0/24")};
  facts.drops = {{"no_key", {.packets = 2, .bytes = 196}}};
  facts.ready = true;
  return facts;
}

}  // namespace

TEST_CASE("report: says what is programmed, and the key's id but not its bytes") {
  const auto json = status_json(some_facts());
  CHECK(json["ready"] == true);
  CHECK(json["encryption"]["key"] == 3);
  CHECK(json["encryption"]["algorithm"] == "rfc4106(gcm(aes)) 128");
  CHECK(json["peers"][0]["ciliumHost"] == "10.0.0.40");
  CHECK(json["unready"][0] == "10.0.3.0/24");
  CHECK(json["drops"]["no_key"]["packets"] == 2);
  CHECK(json.dump().find("abab") == std::string::npos);
}

TEST_CASE("report: the form of the keys, what a rotation waits for, and each peer's way") {
  auto facts = some_facts();
  CHECK(status_json(facts)["encryption"]["form"] == "plain");
  CHECK_THAT(status_json(facts)["encryption"]["proves"].get<std::string>(),
             Catch::Contains("not which node"));
  const std::string warning = status_json(facts)["encryption"]["warning"];
  CHECK(warning.find("`3+ ...`") != std::string::npos);

  auto next = *facts.keys.newest();
  next.id = 4;
  next.per_pair = true;
  CHECK(facts.keys.take(next).empty());
  facts.keys.retire({.now = {}, .announced = {{"worker2", uint8_t{3}}}, .received = {}},
                    std::chrono::seconds(1));
  facts.sender = {.boot_id = "b", .epochs = {{.spi = 0x10a018a0, .generation = 7}}};
  facts.cluster.peers[0].key_id = 3;
  facts.cluster.peers[0].ways = {{3, 3}, {4, 0x10a018a4}};
  const auto json = status_json(facts);
  const auto& encryption = json["encryption"];
  CHECK(encryption["form"] == "pair");
  CHECK_THAT(encryption["proves"].get<std::string>(),
             Catch::Contains("every node can derive every pair's key"));
  CHECK_FALSE(encryption.contains("warning"));
  CHECK(encryption["key"] == 4);
  CHECK(encryption["keys"].dump() == "[3,4]");
  CHECK(encryption["rotating"] == true);
  CHECK(encryption["older"].dump() == R"([{"key":3,"lacking":["worker2"]}])");
  CHECK(encryption["epochs"].dump() == R"([{"spi":"0x10a018a0","generation":7}])");
  CHECK(json["peers"][0]["key"] == 3);
  CHECK(json["peers"][0]["spi"] == "0x3");
  CHECK(json["peers"][0]["announcedKey"].is_null());
  CHECK(json.dump().find("abab") == std::string::npos);
}

TEST_CASE("report: a peer is encrypted to, or there is no key for it, or something was refused") {
  auto facts = some_facts();
  facts.cluster.own[Family::v4] = {};
  auto& peer = facts.cluster.peers[0];
  const auto state_when_refused = [&](const std::vector<Operation>& operations) {
    facts.refusals.clear();
    for (const auto& operation : operations) facts.refusals.push_back({.operation = operation});
    return status_json(facts)["peers"][0]["state"];
  };
  CHECK(state_when_refused({}) == "dropped");
  peer.key_id = 3;
  peer.ways = {{3, 3, true}, {4, 4, true}};
  CHECK(state_when_refused({}) == "encrypted");

  using enum Action;
  const PeerEntry::Key entry{peer.pod_cidr};
  const Cidr own = *Cidr::parse("10.0.1.0/24");
  const Cidr anywhere = *Cidr::parse("0.0.0.0/0");
  const auto policy = [&](const Cidr& src, uint8_t key_id) {
    return Policy::Key{.src = src, .dst = peer.pod_cidr, .mark = encrypt_mark(key_id)};
  };
  const auto state = [&](uint32_t spi, uint8_t key_id) {
    return State::Key{.dst = peer.router, .spi = spi, .mark = encrypt_mark(key_id)};
  };
  CHECK(state_when_refused(
            {Change<PeerEntry>{remove, entry, {}},
             Change<PeerEntry>{add, {*Cidr::parse("172.18.0.4/32")}, {}},
             Change<Policy>{add, policy(own, 4), {}}, Change<Policy>{add, policy(anywhere, 3), {}},
             Change<State>{add, state(4, 4), {}}, Change<State>{add, state(0x10a018a3, 3), {}}}) ==
        "encrypted");
  CHECK(state_when_refused({Change<PeerEntry>{replace, entry, {}}}) == "refused");
  CHECK(state_when_refused({Change<Policy>{add, policy(own, 3), {}}}) == "refused");
  CHECK(state_when_refused({Change<State>{add, state(3, 3), {}}}) == "refused");
  CHECK(state_when_refused({Change<Route>{add, {200, peer.pod_cidr}, {}}}) == "refused");
  peer.ways = {{3, 0x10a018a3}};  // a policy without a mark needs no entry
  CHECK(state_when_refused({Change<PeerEntry>{replace, entry, {}}}) == "encrypted");
}

TEST_CASE("report: each peer's way is told, and what must be true of the network") {
  auto facts = some_facts();
  auto& peer = facts.cluster.peers[0];
  const auto text = [&] { return ctl::status_text(status_json(facts), false, true).text; };
  const auto has = [&](const char* words) { return text().find(words) != std::string::npos; };
  CHECK(status_json(facts)["peers"][0]["route"].dump() == R"({"kind":"others"})");
  CHECK(has("routed by others    10.0.0.40"));
  peer.next_hop = NextHop{.device = "eth0", .gateway = std::nullopt};
  CHECK(status_json(facts)["peers"][0]["route"].dump() ==
        R"({"kind":"direct","via":"172.18.0.4","device":"eth0"})");
  CHECK(has("via 172.18.0.4      10.0.0.40\n"));
  peer.next_hop->gateway = IpAddress::parse("172.18.0.1");
  peer.next_hop->onlink = true;
  CHECK(status_json(facts)["peers"][0]["route"].dump() ==
        R"({"kind":"routed","via":"172.18.0.1","device":"eth0","onlink":true,)"
        R"("expected":"172.18.0.1 must route 10.0.0.0/24 to 172.18.0.4"})");
  CHECK(has("via 172.18.0.1      10.0.0.40  routed\n    172.18.0.1 must route 10.0.0.0/24 to "));
  peer.next_hop = NextHop{.device = {}, .gateway = {}, .obstacle = "Network is unreachable"};
  CHECK(status_json(facts)["peers"][0]["state"] == "no route");
  CHECK(has("no route to 172.18.0.4"));
  CHECK(has("Routing:      Native\n"));
  facts.direct_routes = false;
  CHECK(has("Routing:      Native, others make the routes to the peers' pods"));
}

TEST_CASE("report: what was programmed for a family that this node has no network of now goes on") {
  CHECK(status_json(some_facts())["peers"][0]["state"] == "encrypted");
}

TEST_CASE("report: a problem and a refusal carry their words and since when") {
  auto facts = some_facts();
  const auto since = WallClock::time_point{} + std::chrono::hours(24);
  facts.problems[{"Node worker3", "spec.podCIDR", "no IPv4 PodCIDR"}] = since;
  facts.refusals = {{.operation = Change<Rule>{.key = {.priority = 1, .table = 200}},
                     .error = EPERM,
                     .sentence = "Operation not permitted"}};
  facts.failing_since = since;
  const auto json = status_json(facts);
  CHECK(json["problems"][0]["object"] == "Node worker3");
  CHECK(json["problems"][0]["since"] == "1970-01-02T00:00:00Z");
  CHECK(json["refusals"][0]["message"] == "Operation not permitted");
  CHECK(json["refusals"][0]["errno"] == EPERM);
  CHECK(json["refusals"][0]["operation"].get<std::string>().starts_with("add rule 1:"));
}

TEST_CASE("report: what the agent says is what the command line can show") {
  CHECK(ctl::status_text(status_json(some_facts()), false, true).healthy);
  CHECK_FALSE(ctl::status_text(status_json(StatusFacts{}), false, true).healthy);
}

}  // namespace this_file
