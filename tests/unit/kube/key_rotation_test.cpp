#include "agent/kube/key_rotation.h"

#include "agent/kube/base64.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

// Counts up, so that each generated key is known and unique.
RandomKey counting(uint8_t first = 1) {
  return [next = first](size_t size) mutable {
    std::vector<uint8_t> bytes(size);
    for (auto& byte : bytes) byte = next++;
    return SecretBytes(std::move(bytes));
  };
}

ApiObject secret(const std::string& line) {
  return {.name = "kube-system/cilium-ipsec-keys",
          .text = R"({"data":{"keys":")" + to_base64(line) + R"("}})"};
}

const std::string kHex20 = "000102030405060708090a0b0c0d0e0f10111213";
const std::string kHex36 = kHex20 + "1415161718191a1b1c1d1e1f20212223";

std::map<std::string, Node> nodes(std::vector<std::pair<std::string, std::optional<uint8_t>>> ids) {
  std::map<std::string, Node> all;
  for (const auto& [name, id] : ids) {
    all[name] = {.name = name, .router_ipv4 = IpAddress::parse("10.0.1.1"), .key_id = id};
  }
  return all;
}

NextKey planned(const std::string& line, const RotationWishes& wishes = {}) {
  const auto plan = plan_rotation(secret(line), {}, wishes, counting());
  if (const auto* refused = std::get_if<RotationRefused>(&plan)) FAIL(refused->sentence);
  return std::get<NextKey>(plan);
}

std::string refusal(const std::optional<ApiObject>& secret,
                    const std::map<std::string, Node>& nodes = {},
                    const RotationWishes& wishes = {}) {
  const auto plan = plan_rotation(secret, nodes, wishes, counting());
  const auto* refused = std::get_if<RotationRefused>(&plan);
  return refused ? refused->sentence : "it was not refused";
}

}  // namespace

TEST_CASE("rotation: ids go up to 15 and begin again at 1") {
  CHECK(next_key_id(1) == 2);
  CHECK(next_key_id(14) == 15);
  CHECK(next_key_id(15) == 1);
  CHECK(planned("15 rfc4106(gcm(aes)) " + kHex20 + " 128").key.id == 1);
}

TEST_CASE("rotation: the next key has the algorithm, length, ICV and form of the one before it") {
  const std::vector<std::string> lines = {
      "3 rfc4106(gcm(aes)) " + kHex20 + " 128",
      "3+ rfc4106(gcm(aes)) " + kHex20 + " 96",
      "3+ rfc4106(gcm(aes)) " + kHex36 + " 128",
      "3 hmac(sha256) " + kHex36 + " cbc(aes) " + kHex20.substr(0, 32),
      "3+ hmac(sha512) " + kHex36 + " cbc(aes) " + kHex36.substr(0, 64),
      "3 hmac(sha1) " + kHex20 + " cbc(aes) " + kHex20.substr(0, 32)};
  for (const auto& line : lines) {
    CAPTURE(line.substr(0, 20));
    RotationWishes wishes;
    if (line.find("sha1") != std::string::npos) {
      CHECK(refusal(secret(line)).find("too weak") != std::string::npos);
      wishes.algorithm = "aes-gcm-128";
      CHECK(algorithm_name(planned(line, wishes).key.algorithm) == "rfc4106(gcm(aes)) 128");
      continue;
    }
    const auto before = decode_keys(line).key.value();
    const auto [was, next] = planned(line);
    const bool remembered = was == before;
    CHECK(remembered);
    CHECK(next.id == 4);
    CHECK(next.per_pair == before.per_pair);
    CHECK(algorithm_name(next.algorithm) == algorithm_name(before.algorithm));
    CHECK(key_bytes(next.algorithm) == key_bytes(before.algorithm));
    const bool another = next.algorithm != before.algorithm;
    CHECK(another);
  }
}

TEST_CASE("rotation: every key's line is what the agents read the same key from") {
  for (const auto& name : algorithm_names()) {
    for (const bool per_pair : {false, true}) {
      for (const uint32_t icv : {96U, 128U}) {
        CAPTURE(name, per_pair, icv);
        const RotationWishes wishes{
            .per_pair = per_pair, .algorithm = name, .icv_bits = icv, .create = true};
        const auto plan = plan_rotation(std::nullopt, {}, wishes);
        const auto& key = std::get<NextKey>(plan).key;
        const auto decoded = decode_keys(key_line(key));
        REQUIRE(decoded.key);
        CHECK(decoded.problems.empty());
        const bool same = *decoded.key == key;
        CHECK(same);
      }
    }
  }
}

TEST_CASE("rotation: the lines, letter by letter") {
  const auto line = [](const RotationWishes& wishes) {
    const auto plan = plan_rotation(std::nullopt, {}, wishes, counting());
    return key_line(std::get<NextKey>(plan).key);
  };
  CHECK(line({.create = true}) ==
        "3+ rfc4106(gcm(aes)) "
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324 128");
  CHECK(line({.per_pair = false, .algorithm = "aes-cbc-128-hmac-sha256", .create = true}) ==
        "3 hmac(sha256) 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 cbc(aes) "
        "2122232425262728292a2b2c2d2e2f30");
}

TEST_CASE("rotation: form and algorithm change when that is wished, never to a shorter key") {
  const std::string gcm128 = "3 rfc4106(gcm(aes)) " + kHex20 + " 96";
  CHECK(planned(gcm128, {.per_pair = true}).key.per_pair);
  const auto longer = planned(gcm128, {.algorithm = "aes-gcm-256"}).key;
  CHECK(key_bytes(longer.algorithm) == 36);
  CHECK(algorithm_name(longer.algorithm) == "rfc4106(gcm(aes)) 96");
  CHECK(algorithm_name(planned(gcm128, {.icv_bits = 128}).key.algorithm) ==
        "rfc4106(gcm(aes)) 128");
  CHECK(refusal(secret("3 rfc4106(gcm(aes)) " + kHex36 + " 128"), {}, {.algorithm = "aes-gcm-128"})
            .find("shorter than that of key 3, which agents refuse") != std::string::npos);
}

TEST_CASE("rotation: nodes that have not taken the key before stand in the way, unless forced") {
  const auto now = secret("4 rfc4106(gcm(aes)) " + kHex20 + " 128");
  CHECK(refusal(now, nodes({{"a", 4}, {"b", 4}})) == "it was not refused");
  CHECK(refusal(now, nodes({{"a", 3}, {"b", 4}, {"c", std::nullopt}})) ==
        "the rotation to key 4 is still under way: a, c have not taken it yet; wait, or --force to "
        "go on, which may cut them off");
  CHECK(refusal(now, nodes({{"a", 3}}), {.force = true}) == "it was not refused");
  auto silent = nodes({{"a", 4}});
  silent["fresh"] = {.name = "fresh"};  // no agent ever ran there
  CHECK(refusal(now, silent) == "it was not refused");
}

TEST_CASE("rotation: who does not have a key yet") {
  auto all = nodes({{"a", 3}, {"b", 4}, {"c", std::nullopt}});
  all["fresh"] = {.name = "fresh"};
  CHECK(nodes_without_key(all, 4) == std::vector<std::string>{"a", "c"});
  CHECK(nodes_without_key({}, 4).empty());
}

TEST_CASE("rotation: a Secret is made only when that is asked for, and never made twice") {
  CHECK(refusal(std::nullopt).find("does not exist; --create makes it") != std::string::npos);
  const auto again = plan_rotation(secret("3 rfc4106(gcm(aes)) " + kHex20 + " 128"), {},
                                   {.create = true}, counting());
  REQUIRE(std::holds_alternative<RotationNeedless>(again));
  // Agents keep using a key whose Secret was deleted, and accept no other key with its id.
  const auto plan = [](const std::map<std::string, Node>& nodes) {
    return std::get<NextKey>(plan_rotation(std::nullopt, nodes, {.create = true}, counting()));
  };
  CHECK_FALSE(plan({}).before);
  CHECK(plan({}).key.id == 3);
  CHECK(plan(nodes({{"a", 3}, {"b", 3}})).key.id == 4);
  CHECK(plan(nodes({{"a", 15}, {"b", 1}})).key.id == 2);
}

TEST_CASE("rotation: a Secret that cannot be read is not replaced, and not quoted") {
  const auto sentence = refusal(secret("4 rfc4106(gcm(aes)) " + kHex20 + "zz 128"));
  CHECK(sentence.find("Secret kube-system/cilium-ipsec-keys data.keys: word 3") == 0);
  CHECK(sentence.find("0a0b") == std::string::npos);
}

TEST_CASE("rotation: random keys are as long as asked, and differ") {
  CHECK(random_key(36).size() == 36);
  const bool differ = random_key(20) != random_key(20);
  CHECK(differ);
  CHECK_FALSE(random_key(20).all_zero());
}

TEST_CASE("base64: what is written is what is read") {
  const std::vector<std::string> texts = {"",    "a",    "ab",
                                          "abc", "abcd", std::string("\x00\xff\x10", 3)};
  for (const auto& bytes : texts) {
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
  CHECK(to_base64("a") == "YQ==");
  CHECK(to_base64("ab") == "YWI=");
  CHECK(to_base64("abc") == "YWJj");
  CHECK(to_base64("\xfb\xff\xfe") == "+//+");
}

}  // namespace this_file
