// Test vectors made with the openssl command: Cilium's derivation, and ours with a generation.
#include "agent/keys/derive.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;

namespace {

const std::string kBootA = "11111111-1111-1111-1111-111111111111";
const std::string kBootB = "22222222-2222-2222-2222-222222222222";

PairEnds a_to_b() {
  return {.src = seed::ip("10.0.1.138"),
          .dst = seed::ip("10.0.2.52"),
          .src_boot_id = kBootA,
          .dst_boot_id = kBootB};
}

PairEnds b_to_a() {
  return {.src = seed::ip("10.0.2.52"),
          .dst = seed::ip("10.0.1.138"),
          .src_boot_id = kBootB,
          .dst_boot_id = kBootA};
}

SecretBytes counting(size_t size, uint8_t first = 0) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(first + i));
  return SecretBytes(bytes);
}

std::string hex(const SecretBytes& key) {
  std::string text;
  for (size_t i = 0; i < key.size(); ++i) {
    text += "0123456789abcdef"[key.data()[i] >> 4];
    text += "0123456789abcdef"[key.data()[i] & 15];
  }
  return text;
}

std::string derived(const SecretBytes& global, const PairEnds& ends) {
  const Algorithm key = derive_key(Aead{"rfc4106(gcm(aes))", global, 128}, ends);
  CHECK(algorithm_name(key) == "rfc4106(gcm(aes)) 128");
  return hex(std::get<Aead>(key).key);
}

}  // namespace

TEST_CASE("pair keys: Cilium's vectors") {
  CHECK(derived(counting(20), a_to_b()) == "df7613eb6e9bca44d395ea0140054412c43ac22a");
  CHECK(derived(counting(20), b_to_a()) == "7e34b80b2e332fa391d3c56d8746dbf96347093c");
  CHECK(derived(counting(32), a_to_b()) ==
        "4f0054fab39d26dba8fabf9325c3aa600aefb1583e526a1462a48111e25e143e");
  CHECK(derived(counting(36), a_to_b()) ==
        "9bd16587056bcad95274aade38817933d11ba6325213b2fc9eeafcda35cb96a827dc12d5");
}

TEST_CASE("pair keys: a generation above zero makes every key another") {
  auto ends = a_to_b();
  ends.generation = 4711;
  CHECK(derived(counting(20), ends) == "0b36a180d0b699220c6e436e1365727b04a7ad5f");
  CHECK(derived(counting(36), ends) ==
        "cbc8b1949a3cd3033398cd63c09b950eb6b7e3015d7c528542353c1eaa31364bde398cde");
}

TEST_CASE("pair keys: IPv6 addresses go in with 16 bytes") {
  auto ends = a_to_b();
  ends.src = seed::ip("fd00:1::8a");
  ends.dst = seed::ip("fd00:2::34");
  CHECK(derived(counting(20), ends) == "872e04fd6354bd1f6af721fc11bf495051287a0c");
}

TEST_CASE("pair keys: authentication and encryption are derived apart, each in its own length") {
  const AuthEnc global{"hmac(sha256)", counting(32), "cbc(aes)", counting(16, 0x40), 0};
  const auto pair = std::get<AuthEnc>(derive_key(global, a_to_b()));
  CHECK(pair.auth_name == "hmac(sha256)");
  CHECK(pair.enc_name == "cbc(aes)");
  CHECK(pair.truncation_bits == 0);
  CHECK(hex(pair.auth_key) == "4f0054fab39d26dba8fabf9325c3aa600aefb1583e526a1462a48111e25e143e");
  CHECK(hex(pair.enc_key) == "5267d4617e2a4adc7085106b171c3c8e");
}

TEST_CASE("pair keys: whatever differs makes another key") {
  const auto base = derived(counting(20), a_to_b());
  std::set<std::string> keys{base, derived(counting(20), b_to_a()),
                             derived(counting(20, 1), a_to_b())};
  auto ends = a_to_b();
  ends.src_boot_id = kBootB;
  keys.insert(derived(counting(20), ends));
  ends = a_to_b();
  ends.dst_boot_id = kBootA;
  keys.insert(derived(counting(20), ends));
  ends = a_to_b();
  ends.src = seed::ip("10.0.1.139");
  keys.insert(derived(counting(20), ends));
  ends = a_to_b();
  ends.dst = seed::ip("10.0.2.53");
  keys.insert(derived(counting(20), ends));
  for (const uint64_t generation : {1, 2, 256}) {
    ends = a_to_b();
    ends.generation = generation;
    keys.insert(derived(counting(20), ends));
  }
  CHECK(keys.size() == 10);
}

TEST_CASE("pair keys: a fingerprint tells keys apart, whatever algorithm they are for") {
  const auto of = [](uint8_t first) {
    return fingerprint(Aead{"rfc4106(gcm(aes))", counting(20, first), 128});
  };
  CHECK(of(0) == of(0));
  CHECK(of(0) != of(1));
}

}  // namespace this_file
