#include "tools/operator/key_policy.h"

#include "agent/clock.h"
#include "agent/kube/base64.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const auto kNow = parse_time("2026-11-26T12:00:00Z").value();
constexpr KeyPolicy kMonthly{.every = 720h, .at_sequence = 50};

ApiObject secret(const std::string& since, const std::string& id = "4+") {
  const std::string line = id + " rfc4106(gcm(aes)) 000102030405060708090a0b0c0d0e0f10111213 128";
  return {.name = "cilium-ipsec-keys",
          .text = R"({"metadata":{"annotations":{"pellicle.io/key-since":")" + since +
                  R"("}},"data":{"keys":")" + to_base64(line) + R"("}})"};
}

KeyNodes nodes(std::map<std::string, std::optional<uint8_t>> ids) {
  KeyNodes all;
  for (const auto& [name, id] : ids) {
    all.nodes[name] = {.name = name, .router_ipv4 = IpAddress::parse("10.0.1.1"), .key_id = id};
  }
  return all;
}

const KeyNodes kTwo = nodes({{"worker", 4}, {"worker2", 4}});

KeyVerdict judge(const std::optional<ApiObject>& secret, const KeyNodes& nodes = kTwo,
                 const KeyPolicy& policy = kMonthly) {
  return judge_key(policy, secret, nodes, kNow);
}

// The trouble of a verdict that keeps the key.
std::string trouble(const KeyVerdict& verdict) {
  const auto* stands = std::get_if<KeyStands>(&verdict);
  return stands ? stands->trouble : "it does not stand";
}

std::string reason(const KeyVerdict& verdict) {
  const auto* due = std::get_if<KeyDue>(&verdict);
  return due ? due->reason : "it is not due";
}

}  // namespace

TEST_CASE("keys are replaced when they are old enough, and not a second before") {
  CHECK(reason(judge(secret("4 2026-10-27T12:00:00Z"))) == "it is 30 days old");
  CHECK(std::get<KeyDue>(judge(secret("4 2026-10-27T12:00:00Z"))).id == 4);
  CHECK(trouble(judge(secret("4 2026-10-27T12:00:01Z"))).empty());
  const KeyPolicy hourly{.every = 1h};
  CHECK(reason(judge(secret("4 2026-11-26T11:00:00Z"), kTwo, hourly)) == "it is 60 minutes old");
  CHECK(reason(judge(secret("4 2026-11-26T07:00:00Z"), kTwo, hourly)) == "it is 5 hours old");
}

TEST_CASE("keys are replaced when one node has used enough of its sequence numbers") {
  const auto young = secret("4 2026-11-26T11:00:00Z");
  auto used = kTwo;
  used.used = {{"worker", {.key_id = 4, .percent = 40}}, {"worker2", {.key_id = 4, .percent = 50}}};
  CHECK(reason(judge(young, used)) ==
        "worker2 has used 50 percent of the sequence numbers it has for a peer");
  used.used["worker2"].percent = 40;
  CHECK(trouble(judge(young, used)).empty());
  used.used["worker2"] = {.key_id = 3, .percent = 90};  // of the previous key
  CHECK(trouble(judge(young, used)).empty());
  used.used["worker2"] = {.key_id = 4, .percent = 90};
  CHECK(trouble(judge(young, used, {.every = 720h})).empty());
  CHECK(trouble(judge(young, used, {.every = 0s, .at_sequence = 90})) == "it does not stand");
}

TEST_CASE("a key that nobody dated, or that came later, counts from now") {
  const KeySince now{.id = 4, .since = kNow};
  for (const char* since : {"", "3 2020-01-01T00:00:00Z", "4 soon", "4 2027-01-01T00:00:00Z"}) {
    CAPTURE(since);
    CHECK(std::get<KeyUndated>(judge(secret(since))).since == now);
  }
  // Another machine's clock may be slightly ahead.
  CHECK(trouble(judge(secret("4 2026-11-26T12:05:00Z"))).empty());
}

TEST_CASE("a key that is due waits for nodes that have not taken it, and names them") {
  const auto old = secret("4 2025-11-26T12:00:00Z");
  CHECK_THAT(trouble(judge(old, nodes({{"worker", 4}, {"worker2", 3}}))),
             Contains("key 4 is due to be replaced (it is 365 days old), but worker2 has not taken "
                      "it yet: start the agent there, or delete the Node"));
  CHECK_THAT(trouble(judge(old, nodes({{"a", 3}, {"b", 3}, {"c", 4}}))),
             Contains("but a and 1 more have not"));
  // A Node on which no agent ever ran neither delays nor requires a rotation.
  CHECK(trouble(judge(old, nodes({}))).empty());
  auto more = kTwo;
  more.nodes["new"] = {.name = "new"};
  CHECK(reason(judge(old, more)) == "it is 365 days old");
}

TEST_CASE("without a key that can be read nothing is replaced, and why is said") {
  CHECK(trouble(judge(std::nullopt)) == "Secret kube-system/cilium-ipsec-keys does not exist");
  const ApiObject broken{.name = "cilium-ipsec-keys",
                         .text = R"({"data":{"keys":")" + to_base64("4+ nonsense") + R"("}})"};
  CHECK_THAT(trouble(judge(broken)), Contains("Secret kube-system/cilium-ipsec-keys data.keys"));
}

}  // namespace this_file
