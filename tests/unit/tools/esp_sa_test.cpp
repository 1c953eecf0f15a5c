#include "tools/ctl/esp_sa.h"

#include <sstream>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

SecretBytes bytes(size_t size, uint8_t first) {
  std::vector<uint8_t> key(size);
  for (size_t i = 0; i < size; ++i) key[i] = static_cast<uint8_t>(first + i);
  return SecretBytes(std::move(key));
}

ObservedState state(const char* src, const char* dst, uint32_t spi, Algorithm algorithm) {
  return {.key = {.dst = IpAddress::parse(dst).value(), .spi = spi, .mark = {}},
          .value = {.src = IpAddress::parse(src).value(), .algorithm = std::move(algorithm)},
          .counters = {}};
}

AuthEnc auth_enc(const char* name, uint32_t truncation) {
  return {name, bytes(4, 0xa0), "cbc(aes)", bytes(4, 1), truncation};
}

std::string written(const ObservedState& state) {
  std::ostringstream out;
  std::ostringstream complaints;
  CHECK(ctl::write_esp_sa({state}, out, complaints));
  CHECK(complaints.str().empty());
  return out.str();
}

}  // namespace

TEST_CASE("esp_sa: AEAD of both ICV lengths, both families, and from anybody") {
  CHECK(written(state("10.0.1.138", "10.0.0.40", 3, Aead{"rfc4106(gcm(aes))", bytes(5, 0), 128})) ==
        "\"IPv4\",\"10.0.1.138\",\"10.0.0.40\",\"0x00000003\",\"AES-GCM with 16 octet ICV "
        "[RFC4106]\",\"0x0001020304\",\"NULL\",\"\"\n");
  CHECK(
      written(state("::", "fd00::2", 0x10a00283, Aead{"rfc4106(gcm(aes))", bytes(2, 0x10), 96})) ==
      "\"IPv6\",\"*\",\"fd00::2\",\"0x10a00283\",\"AES-GCM with 12 octet ICV "
      "[RFC4106]\",\"0x1011\",\"NULL\",\"\"\n");
}

TEST_CASE("esp_sa: encryption and authentication, by the length the kernel takes") {
  const auto line = [](const char* name, uint32_t truncation) {
    return written(state("0.0.0.0", "10.0.0.40", 3, auth_enc(name, truncation)));
  };
  CHECK(line("hmac(sha256)", 0) ==
        "\"IPv4\",\"*\",\"10.0.0.40\",\"0x00000003\",\"AES-CBC [RFC3602]\",\"0x01020304\","
        "\"HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]\",\"0xa0a1a2a3\"\n");
  CHECK(line("hmac(sha256)", 128).find("\"HMAC-SHA-256-128 [RFC4868]\"") != std::string::npos);
  CHECK(line("hmac(sha384)", 0).find("\"HMAC-SHA-384-192 [RFC4868]\"") != std::string::npos);
  CHECK(line("hmac(sha512)", 0).find("\"HMAC-SHA-512-256 [RFC4868]\"") != std::string::npos);
}

TEST_CASE("esp_sa: what cannot be decrypted is said, without a key, and the rest goes on") {
  std::ostringstream out;
  std::ostringstream complaints;
  const auto good = state("10.0.1.1", "10.0.0.1", 3, Aead{"rfc4106(gcm(aes))", bytes(5, 1), 128});
  const auto unknown =
      state("10.0.1.1", "10.0.0.2", 3, Aead{"rfc4309(ccm(aes))", bytes(5, 1), 128});
  const auto withheld =
      state("10.0.1.1", "10.0.0.3", 3,
            Aead{"rfc4106(gcm(aes))", SecretBytes(std::vector<uint8_t>(20)), 128});
  CHECK(ctl::write_esp_sa({unknown, withheld, good}, out, complaints));
  CHECK(out.str().find("10.0.0.1") != std::string::npos);
  CHECK(out.str().find("10.0.0.2") == std::string::npos);
  CHECK(out.str().find("10.0.0.3") == std::string::npos);
  CHECK(complaints.str() ==
        "pellicle: the state for 10.0.0.2 (rfc4309(ccm(aes)) 128) is left out: Wireshark has no "
        "such algorithm\n"
        "pellicle: the state for 10.0.0.3 (rfc4106(gcm(aes)) 128) is left out: this kernel is "
        "locked down and does not tell keys\n");
  CHECK_FALSE(ctl::write_esp_sa({withheld}, out, complaints));
}

}  // namespace this_file
