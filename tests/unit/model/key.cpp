#include "agent/model/key.h"

#include "agent/model/objects.h"
#include "tests/harness/catch.h"

namespace pellicle::this_file {

namespace {

Algorithm gcm(std::vector<uint8_t> bytes, uint32_t icv_bits = 128) {
  return Aead{
      .name = "rfc4106(gcm(aes))", .key = SecretBytes(std::move(bytes)), .icv_bits = icv_bits};
}

Algorithm cbc(std::vector<uint8_t> auth, std::vector<uint8_t> enc) {
  return AuthEnc{.auth_name = "hmac(sha256)",
                 .auth_key = SecretBytes(std::move(auth)),
                 .enc_name = "cbc(aes)",
                 .enc_key = SecretBytes(std::move(enc))};
}

}  // namespace

TEST_CASE("algorithms are the same when names, sizes and keys are") {
  CHECK(same_algorithm(gcm({1, 2}), gcm({1, 2})));
  CHECK_FALSE(same_algorithm(gcm({1, 2}), gcm({1, 3})));
  CHECK_FALSE(same_algorithm(gcm({1, 2}), gcm({1, 2, 3})));
  CHECK_FALSE(same_algorithm(gcm({1, 2}), gcm({1, 2}, 96)));
  CHECK_FALSE(same_algorithm(gcm({1, 2}), cbc({1}, {2})));
  CHECK(same_algorithm(cbc({1}, {2}), cbc({1}, {2})));
  CHECK_FALSE(same_algorithm(cbc({1}, {2}), cbc({1}, {3})));
}

TEST_CASE("a key that a locked-down kernel withholds equals any of its length") {
  CHECK(same_algorithm(gcm({0, 0}), gcm({1, 2})));
  CHECK(same_algorithm(gcm({1, 2}), gcm({0, 0})));
  CHECK_FALSE(same_algorithm(gcm({0, 0, 0}), gcm({1, 2})));
  CHECK(same_algorithm(cbc({0}, {0}), cbc({1}, {2})));
  State withheld{.algorithm = gcm({0, 0})};
  State known{.algorithm = gcm({1, 2})};
  CHECK(withheld == known);
  known.src = IpAddress::v4(1);
  CHECK_FALSE(withheld == known);
}

TEST_CASE("moved-from secrets are empty and names carry no key") {
  SecretBytes first({0xde, 0xad});
  const SecretBytes second(std::move(first));
  CHECK(first.size() == 0);  // NOLINT(bugprone-use-after-move)
  CHECK(second.size() == 2);
  first = second;
  CHECK(first == second);
  CHECK(algorithm_name(gcm({0xde, 0xad})) == "rfc4106(gcm(aes)) 128");
  CHECK(algorithm_name(cbc({0xde}, {0xad})) == "hmac(sha256) cbc(aes)");
  CHECK(key_bytes(gcm({1, 2, 3})) == 3);
  CHECK(key_bytes(cbc({1}, {2, 3})) == 3);
}

}  // namespace pellicle::this_file
