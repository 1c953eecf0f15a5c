#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

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

TEST_CASE("the outer MTU is the least that leaves the inner one") {
  const auto gcm = "rfc4106(gcm(aes))";
  for (const auto& algorithm :
       {aead(gcm, 128), pair("hmac(sha256)", "cbc(aes)"), pair("hmac(sha1)", "cbc(des3_ede)")}) {
    for (const auto family : kFamilies) {
      for (uint32_t inner = 1280; inner < 1300; ++inner) {
        const auto outer = outer_mtu(inner, algorithm, family);
        CHECK(inner_mtu(outer, algorithm, family) >= inner);
        CHECK(inner_mtu(outer - 1, algorithm, family) < inner);
      }
    }
  }
}

TEST_CASE("a path that is narrower than the uplink is its peer's route's MTU") {
  auto inputs = seed::worker();
  const auto mtu = [&] {
    return compute(inputs).state.routes.at({200, seed::cidr("10.0.0.0/24")}).mtu;
  };
  inputs.paths[seed::ip("10.0.0.40")] = {.mtu = 1300, .router = seed::ip("172.18.0.1")};
  CHECK(mtu() == 1300);
  CHECK(compute(inputs).state.routes.at({200, seed::cidr("10.0.2.0/24")}).mtu == 1500);
  CHECK(compute(inputs).state.peers.at({seed::cidr("10.0.0.0/24")}).path == 0);
  inputs.paths[seed::ip("10.0.0.40")].mtu = 9000;
  CHECK(mtu() == 1500);
}

TEST_CASE("a peer's route has the MTU of the device that leads to it, where that is narrower") {
  auto inputs = seed::worker();
  const auto mtu = [&] {
    return compute(inputs).state.routes.at({200, seed::cidr("10.0.0.0/24")}).mtu;
  };
  auto& hop = inputs.next_hops[seed::ip("172.18.0.4")];
  hop = {.device = "mesh0", .gateway = {}, .mtu = 1420};
  CHECK(mtu() == 1420);
  CHECK(compute(inputs).state.routes.at({200, seed::cidr("10.0.2.0/24")}).mtu == 1500);
  inputs.paths[seed::ip("10.0.0.40")] = {.mtu = 1300, .router = seed::ip("172.18.0.1")};
  CHECK(mtu() == 1300);
  inputs.paths[seed::ip("10.0.0.40")].mtu = 1450;
  CHECK(mtu() == 1420);
  inputs.paths.clear();
  hop.mtu = 9000;
  CHECK(mtu() == 1500);
  hop.mtu = 0;
  CHECK(mtu() == 1500);
}

}  // namespace pellicle::this_file
