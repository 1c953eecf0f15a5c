#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle {

namespace {

Algorithm aead(const char* name, uint32_t icv_bits) {
  return Aead{.name = name, .icv_bits = icv_bits};
}

Algorithm pair(const char* auth, const char* enc, uint32_t truncation_bits = 0) {
  return AuthEnc{.auth_name = auth, .enc_name = enc, .truncation_bits = truncation_bits};
}

}  // namespace

TEST_CASE("the inner MTU is what the kernel computes for a tunnel state") {
  struct Row {
    uint32_t uplink;
    Algorithm algorithm;
    Family outer;
    uint32_t inner;
  };
  const auto gcm = "rfc4106(gcm(aes))";
  const Row rows[] = {
      {1500, aead(gcm, 128), Family::v4, 1446},
      {1500, aead(gcm, 128), Family::v6, 1426},
      {1500, aead(gcm, 96), Family::v4, 1450},
      {9000, aead(gcm, 128), Family::v4, 8946},
      {1501, aead(gcm, 128), Family::v4, 1446},
      {1504, aead(gcm, 128), Family::v4, 1450},
      {1500, pair("hmac(sha256)", "cbc(aes)"), Family::v4, 1438},
      {1500, pair("hmac(sha256)", "cbc(aes)", 128), Family::v4, 1438},
      {1500, pair("hmac(sha512)", "cbc(aes)"), Family::v4, 1422},
      {1500, pair("hmac(sha1)", "cbc(des3_ede)"), Family::v4, 1446},
      {1500, pair("hmac(of tomorrow)", "cbc(of tomorrow)"), Family::v4, 1422},
      {60, aead(gcm, 128), Family::v4, 6},
      {40, aead(gcm, 128), Family::v4, 0},
  };
  for (const auto& row : rows) {
    INFO(row.uplink << " " << algorithm_name(row.algorithm));
    CHECK(inner_mtu(row.uplink, row.algorithm, row.outer) == row.inner);
  }
}

}  // namespace pellicle
