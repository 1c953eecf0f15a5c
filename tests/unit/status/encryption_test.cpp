#include "agent/status/encryption.h"

#include <cerrno>

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tools/ctl/encrypt_text.h"

namespace this_file {

using namespace pellicle;
using seed::ip;

namespace {

ObservedState out(const char* dst, Algorithm algorithm = seed::gcm()) {
  return {.key = {.dst = ip(dst), .spi = 3, .mark = encrypt_mark(3)},
          .value = {.src = ip("10.0.1.138"),
                    .reqid = kReqId,
                    .output_mark = kEncryptMark,
                    .algorithm = std::move(algorithm)},
          .counters = {.sent = 483,
                       .bytes = 40572,
                       .packets = 483,
                       .added = 86400,
                       .first_used = 88000,
                       .last_used = 90000}};
}

ObservedState in(const char* src, uint32_t spi = 3, Algorithm algorithm = seed::gcm()) {
  return {.key = {.dst = ip("10.0.1.138"), .spi = spi, .mark = kDecryptMark},
          .value = {.src = ip(src),
                    .reqid = kReqId,
                    .output_mark = kDecryptMark,
                    .algorithm = std::move(algorithm)},
          .counters = {.received = 7, .packets = 7, .added = 86400, .replayed = 1}};
}

EncryptionFacts facts() {
  return {.states = {out("10.0.0.40"), in("0.0.0.0")},
          .interfaces = {"eth0"},
          .errors = {{"XfrmInNoStates", 2}},
          .peers = cluster(seed::worker()).peers,
          .stale = std::set<State::Key>{}};
}

}  // namespace

TEST_CASE("encryption: a state is joined with its peer and carries what the kernel counted") {
  const auto json = encryption_json(facts());
  CHECK(json["states"][0].dump() ==
        R"({"direction":"out","peer":"worker2","src":"10.0.1.138","dst":"10.0.0.40","spi":3,)"
        R"("mark":{"value":15872,"mask":65280},"keyId":3,"algorithm":"rfc4106(gcm(aes)) 128",)"
        R"("esn":false,"replayWindow":0,"sequence":483,"lastSequence":4294967295,"packets":483,)"
        R"("bytes":40572,"added":"1970-01-02T00:00:00Z","lastUsed":"1970-01-02T01:00:00Z",)"
        R"("replayed":0,"outsideWindow":0,"integrityFailed":0,"stale":false})");
  CHECK_FALSE(json["states"][1].contains("peer"));
  CHECK_FALSE(json["states"][1].contains("lastUsed"));
  CHECK_FALSE(json["states"][1].contains("firstUsed"));
  CHECK(json["states"][1]["sequence"] == 7);
  CHECK(json["states"][1]["replayed"] == 1);
  CHECK(json["errors"]["XfrmInNoStates"] == 2);
  CHECK(json.dump().find("000102") == std::string::npos);
}

TEST_CASE("encryption: several states of a peer are told apart by direction, SPI and key id") {
  auto some = facts();
  auto next = out("10.0.0.40", seed::gcm(50));
  next.key.mark = encrypt_mark(4);
  next.key.spi = 0x10a00284;
  next.value.esn = true;
  some.states = {out("10.0.0.40"), next, in("10.0.0.40", 0x10b00283, seed::gcm(60)),
                 in("10.0.0.40", 0x10b0028f, seed::gcm(70))};
  const auto json = encryption_json(some);
  CHECK(json["keysInUse"] == 4);
  std::vector<int> ids;
  for (const auto& state : json["states"]) {
    CHECK(state["peer"] == "worker2");
    ids.push_back(state["keyId"]);
  }
  CHECK(ids == std::vector<int>{3, 4, 3, 15});
  CHECK(json["states"][1]["lastSequence"] == UINT64_MAX);
}

TEST_CASE("encryption: keys in use are counted by material, also with CBC and withheld ones") {
  auto some = facts();
  CHECK(encryption_json(some)["keysInUse"] == 1);
  const AuthEnc cbc{"hmac(sha256)", SecretBytes(std::vector<uint8_t>(32, 7)), "cbc(aes)",
                    SecretBytes(std::vector<uint8_t>(16, 9)), 0};
  some.states.push_back(out("10.0.2.52", cbc));
  const auto json = encryption_json(some);
  CHECK(json["keysInUse"] == 2);
  CHECK(json["states"][2]["algorithm"] == "hmac(sha256) cbc(aes)");
  const Algorithm withheld = Aead{"rfc4106(gcm(aes))", SecretBytes(std::vector<uint8_t>(20)), 128};
  some.states = {out("10.0.0.40", withheld), in("0.0.0.0", 3, withheld)};
  CHECK(encryption_json(some)["keysInUse"] == 1);
}

TEST_CASE("encryption: stale is what nothing desires, or else what no Node accounts for") {
  const std::vector<ObservedState> states{out("10.0.0.40"), out("10.0.9.9"), in("0.0.0.0"),
                                          in("10.0.9.9", 0x10900903)};
  const auto nodes = seed::worker().nodes;
  const std::set<State::Key> unknown{states[1].key, states[3].key};
  CHECK(stale_states(states, std::nullopt, nodes) == unknown);
  auto desired = compute(seed::worker()).state.states;
  CHECK(stale_states(states, desired, nodes) == unknown);
  desired.erase(states[0].key);
  CHECK(stale_states(states, desired, nodes).contains(states[0].key));
  auto nobody_knows = facts();
  nobody_knows.stale.reset();
  CHECK_FALSE(encryption_json(nobody_knows)["states"][0].contains("stale"));
}

TEST_CASE("encryption: a flush removes the states it names and nothing else") {
  auto state = compute(seed::worker()).state;
  const auto json = encryption_json(facts());
  const auto named = named_states({{"states", {json["states"][0]}}});
  CHECK(named == std::set<State::Key>{out("10.0.0.40").key});
  const auto removal = removal_of(named, state);
  REQUIRE(removal.size() == 1);
  CHECK(describe(removal[0]).starts_with("remove state"));
  CHECK(removal_of({{.dst = ip("10.9.9.9"), .spi = 3, .mark = {}}}, state).empty());
  const auto flushed = flush_json(removal, {{removal[0], EBUSY, "somebody else's"}});
  CHECK(flushed["removed"].empty());
  CHECK(flushed["failures"][0] == describe(removal[0]) + ": somebody else's");
  CHECK(flush_json(removal, {})["removed"][0] == describe(removal[0]));
  CHECK_THROWS(named_states({{"states", {{{"dst", "x"}, {"spi", 3}}}}}));
}

TEST_CASE("encryption: devices that decrypt are those of table 200's local routes") {
  CHECK(decryption_interfaces(compute(seed::worker()).state) == std::vector<std::string>{"eth0"});
  CHECK(decryption_interfaces({}).empty());
}

TEST_CASE("encryption: what the agent says is what the command line can show") {
  CHECK(ctl::encrypt_text(encryption_json(facts()), true).find("worker2\n") != std::string::npos);
  CHECK(ctl::encrypt_json(encryption_json({}))["ipsec"]["keys-in-use"] == 0);
}

}  // namespace this_file
