// The Secret's formats as a table: what is accepted, and one sentence for each error.
#include <cctype>

#include "agent/kube/decode.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

const std::string kHex16 = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
const std::string kSalt = "13579bdf";
const std::string kHex20 = kHex16 + kSalt;
const std::string kHex28 = kHex16 + "1122334455667788" + kSalt;
const std::string kHex32 = kHex16 + kHex16;
const std::string kHex36 = kHex32 + kSalt;

const Aead& aead(const DecodedKey& decoded) {
  return std::get<Aead>(decoded.key->algorithm);
}

// Whether a sentence for a person contains any four consecutive hex digits of a key.
bool leaks(const std::string& sentence, const std::string& line) {
  for (size_t i = 0; i + 4 <= line.size(); ++i) {
    const auto part = line.substr(i, 4);
    bool hex = true;
    for (unsigned char c : part) hex = hex && std::isxdigit(c) != 0;
    if (hex && sentence.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an AEAD key is read with its salt and ICV") {
  const auto decoded = decode_keys("3 rfc4106(gcm(aes)) " + kHex20 + " 128");
  REQUIRE(decoded.key);
  CHECK(decoded.problems.empty());
  CHECK(decoded.key->id == 3);
  CHECK(aead(decoded).name == "rfc4106(gcm(aes))");
  CHECK(aead(decoded).icv_bits == 128);
  REQUIRE(aead(decoded).key.size() == 20);
  CHECK(aead(decoded).key.data()[0] == 0xa1);
  CHECK(aead(decoded).key.data()[19] == 0xdf);
}

TEST_CASE("all documented key forms are accepted") {
  struct Row {
    std::string text;
    int id;
    size_t bytes;
  };
  const std::string rfc = " rfc4106(gcm(aes)) ";
  const std::vector<Row> rows = {
      {"1" + rfc + kHex28 + " 128", 1, 28},
      {"15" + rfc + kHex36 + " 96", 15, 36},
      {"3" + rfc + "0x" + kHex20 + " 128\n", 3, 20},
      {"3  rfc4106(gcm(aes))\t" + kHex20 + "   128 \r\n\n", 3, 20},
      {"3" + rfc + kHex20 + " 128\n4" + rfc + kHex36 + " 128\n", 4, 36},
      {"complete nonsense\n5" + rfc + kHex20 + " 128", 5, 20},
      {"3 hmac(sha256) " + kHex32 + " cbc(aes) " + kHex32, 3, 64},
      {"3 hmac(sha256) " + kHex16 + " cbc(aes) " + kHex16, 3, 32},
      {"3 hmac(sha512) 0x" + kHex32 + kHex32 + " cbc(aes) 0x" + kHex32, 3, 96},
  };
  for (const auto& row : rows) {
    const auto decoded = decode_keys(row.text);
    INFO("row with id " << row.id << " and " << row.bytes << " bytes");
    REQUIRE(decoded.key);
    CHECK(decoded.problems.empty());
    CHECK(decoded.key->id == row.id);
    CHECK(key_bytes(decoded.key->algorithm) == row.bytes);
  }
}

TEST_CASE("weak algorithms are taken where the setting allows them, and reported") {
  const std::vector<std::string> lines = {"3 hmac(md5) " + kHex16 + " cbc(aes) " + kHex16,
                                          "3 hmac(sha1) " + kHex20 + " cbc(aes) " + kHex32};
  for (const auto& line : lines) {
    const auto decoded = decode_keys(line, WeakAlgorithms::allowed);
    REQUIRE(decoded.key);
    CHECK(std::holds_alternative<AuthEnc>(decoded.key->algorithm));
    REQUIRE(decoded.problems.size() == 1);
    CHECK(decoded.problems[0].sentence.find("`allow-weak-algorithms`") != std::string::npos);
    CHECK_FALSE(leaks(decoded.problems[0].to_string(), line));
    CHECK_FALSE(decode_keys(line).key);
  }
  const auto strong =
      decode_keys("3 rfc4106(gcm(aes)) " + kHex20 + " 128", WeakAlgorithms::allowed);
  CHECK(strong.problems.empty());
  CHECK_FALSE(decode_keys("3 md5 " + kHex16 + " cbc(aes) " + kHex16, WeakAlgorithms::allowed).key);
}

TEST_CASE("a key without an id is id 1 and reported") {
  const std::string aead_line = "rfc4106(gcm(aes)) " + kHex20 + " 128";
  const std::string cbc_line = "hmac(sha256) " + kHex32 + " cbc(aes) " + kHex32;
  for (const auto& text : {aead_line, cbc_line}) {
    const auto decoded = decode_keys(text);
    REQUIRE(decoded.key);
    CHECK(decoded.key->id == 1);
    REQUIRE(decoded.problems.size() == 1);
    CHECK(decoded.problems[0].sentence.find("deprecated") != std::string::npos);
  }
}

TEST_CASE("authenticated CBC asks for the kernel's truncation") {
  const auto decoded = decode_keys("3 hmac(sha256) " + kHex32 + " cbc(aes) " + kHex16);
  REQUIRE(decoded.key);
  const auto& pair = std::get<AuthEnc>(decoded.key->algorithm);
  CHECK(pair.auth_name == "hmac(sha256)");
  CHECK(pair.enc_name == "cbc(aes)");
  CHECK(pair.truncation_bits == 0);
  CHECK(pair.enc_key.size() == 16);
}

TEST_CASE("each bad key is refused with a sentence that gives the place and no key") {
  struct Row {
    std::string text;
    std::string says;
  };
  const std::string rfc = " rfc4106(gcm(aes)) ";
  const std::vector<Row> rows = {
      {"", "it is empty"},
      {" \n\t\n", "it is empty"},
      {"3", "no algorithm after the key id"},
      {"0" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"16" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"99999999999999999999" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"-3" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"x" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {kHex20, "word 1: expected a key id from 1 to 15"},
      {"+" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"0+" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"3++" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"3+ hmac(sha512) " + kHex32 + kHex32 + "a5 cbc(aes) " + kHex16,
       "word 3: expected 16 to 64 bytes in a key per pair of nodes, found 65"},
      {"16+" + rfc + kHex20 + " 128", "word 1: expected a key id from 1 to 15"},
      {"3 " + kHex20 + " 128", "word 2: unknown algorithm"},
      {"3 gcm(aes) " + kHex20 + " 128", "word 2: unknown algorithm"},
      {"unknown(x) " + kHex20 + " 128", "word 1: unknown algorithm"},
      {"3" + rfc + kHex20, "expected 4 words ([id] algorithm key icv-bits), found 3"},
      {"3" + rfc + kHex20 + " 128 " + kHex20, "found 5"},
      {"3" + rfc + "zz" + kHex20 + " 128", "word 3: expected hex digits, but character 1 is none"},
      {"3" + rfc + "0x" + kHex16 + "g" + kSalt + " 128", "character 35 is none"},
      {"3" + rfc + kHex20 + "a 128", "word 3: expected an even number of hex digits, found 41"},
      {"3" + rfc + "0x 128", "word 3: expected an even number of hex digits, found 0"},
      {"3" + rfc + kHex16 + " 128", "word 3: expected 20, 28 or 36 bytes"},
      {"3" + rfc + kHex16 + " 128", "found 16"},
      {"3" + rfc + kHex32 + " 128", "found 32"},
      {"3" + rfc + std::string(40, '0') + " 128", "word 3: a key of zeros"},
      {"3" + rfc + kHex20 + " 256", "word 4: expected an ICV length of 96 or 128 bits"},
      {"3" + rfc + kHex20 + " 64", "word 4: expected an ICV length of 96 or 128 bits"},
      {"3" + rfc + kHex20 + " " + kHex20, "word 4: expected an ICV length of 96 or 128 bits"},
      {"3 hmac(md5) " + kHex16 + " cbc(aes) " + kHex16, "word 2: this algorithm is too weak"},
      {"3 hmac(sha1) " + kHex20 + " cbc(aes) " + kHex16, "word 2: this algorithm is too weak"},
      {"3 hmac(sha256) " + kHex32 + " cbc(des3_ede) " + kHex16, "word 4: unknown encryption"},
      {"3 hmac(sha256) " + kHex32 + " " + kHex32, "expected 5 words"},
      {"3 hmac(sha256) a1b2 cbc(aes) " + kHex16, "word 3: expected 16 to 128 bytes, found 2"},
      {"3 hmac(sha256) " + kHex32 + " cbc(aes) " + kHex20, "word 5: expected 16, 24 or 32 bytes"},
      {"3 hmac(sha256) " + kHex32 + " cbc(aes) " + kHex16 + "-", "word 5: expected hex digits"},
      {"3" + rfc + kHex20 + " 128\nlater " + kHex20 + " 128", "word 1: expected a key id"},
  };
  for (const auto& row : rows) {
    const auto decoded = decode_keys(row.text);
    INFO("expected: " << row.says);
    CHECK_FALSE(decoded.key);
    REQUIRE(decoded.problems.size() == 1);
    const auto shown = decoded.problems[0].to_string();
    INFO(shown);
    CHECK(shown.find(row.says) != std::string::npos);
    CHECK(shown.starts_with("Secret kube-system/cilium-ipsec-keys data.keys: "));
    CHECK_FALSE(leaks(shown, row.text));
  }
}

TEST_CASE("the leak check of these tests finds a leak") {
  CHECK(leaks("unknown algorithm a1b2c3d4", "3 " + kHex20));
  CHECK_FALSE(leaks("found 41", "3 " + kHex20));
}

TEST_CASE("a Secret as a real apiserver lists it") {
  // From Kubernetes 1.36; the test key is 00 01 .. 13.
  const ApiObject object{.name = "kube-system/cilium-ipsec-keys", .text = R"({
      "metadata": {"name": "cilium-ipsec-keys", "namespace": "kube-system",
                   "resourceVersion": "217", "creationTimestamp": "2026-11-23T01:37:28Z"},
      "data": {"keys": "MyByZmM0MTA2KGdjbShhZXMpKSAwMDAxMDIwMzA0MDUwNjA3MDgwOTBhMGIwYzBkMGUwZjEwMTExMjEzIDEyOA=="},
      "type": "Opaque"})"};
  const auto decoded = decode_secret(object);
  REQUIRE(decoded.key);
  CHECK(decoded.key->id == 3);
  REQUIRE(aead(decoded).key.size() == 20);
  for (uint8_t i = 0; i < 20; ++i) CHECK(aead(decoded).key.data()[i] == i);
}

TEST_CASE("a Secret without usable data is refused") {
  const auto sentence = [](const std::string& text) {
    const auto decoded = decode_secret({.name = "s", .text = text});
    CHECK_FALSE(decoded.key);
    return decoded.problems.at(0).sentence;
  };
  CHECK(sentence("{}").find("the field is missing") == 0);
  CHECK(sentence(R"({"data":null})").find("the field is missing") == 0);
  CHECK(sentence(R"({"data":{"key":"MyA="}})").find("the field is missing") == 0);
  CHECK(sentence(R"({"data":{"keys":"***"}})").find("it is not base64") == 0);
  CHECK(sentence(R"({"data":{"keys":7}})").find("it is not base64") == 0);
  CHECK(sentence(R"({"data":{"keys":""}})").find("it is empty") == 0);
}

TEST_CASE("a key id with + asks for a key per pair of nodes, in both forms") {
  for (const std::string& rest :
       {"rfc4106(gcm(aes)) " + kHex20 + " 128", "hmac(sha256) " + kHex32 + " cbc(aes) " + kHex16}) {
    const auto decoded = decode_keys("15+ " + rest);
    REQUIRE(decoded.key);
    CHECK(decoded.problems.empty());
    CHECK(decoded.key->id == 15);
    CHECK(decoded.key->per_pair);
    CHECK_FALSE(decode_keys("15 " + rest).key->per_pair);
  }
}

namespace {

IpsecKey key_of(const std::string& id, const std::string& hex) {
  return decode_keys(id + " rfc4106(gcm(aes)) " + hex + " 128").key.value();
}

KeyRing ring_with(const IpsecKey& key) {
  KeyRing ring;
  accept_key(ring, {.key = key, .problems = {}});
  return ring;
}

}  // namespace

TEST_CASE("the same key again is nothing new, and one under another id comes beside the old one") {
  const auto first = key_of("3", kHex20);
  auto ring = ring_with(first);
  CHECK(accept_key(ring, {.key = first, .problems = {}}).empty());
  CHECK(ring.newest() == first);
  CHECK_FALSE(ring.rotating());
  const auto second = key_of("4", kHex36);
  CHECK(accept_key(ring, {.key = second, .problems = {}}).empty());
  CHECK(ring.newest() == second);
  CHECK(ring.older() == std::vector<IpsecKey>{first});
  CHECK(accept_key(ring, {.key = first, .problems = {}}).size() == 1);  // refused: it is shorter
  CHECK(ring.newest() == second);
}

TEST_CASE("each key that must not follow the one in use is refused, and that one stays") {
  struct Row {
    IpsecKey before;
    IpsecKey offered;
    std::string says;
  };
  const auto other = kSalt + kHex16;
  const std::vector<Row> rows = {
      {key_of("3", kHex20), key_of("3", other), "the key has changed but its id 3 has not"},
      {key_of("3+", kHex20), key_of("3+", other), "increment the key id"},
      {key_of("3", kHex20), key_of("3+", kHex20), "the + after the id came or went but the id 3"},
      {key_of("3+", kHex20), key_of("3", kHex20), "increment the key id"},
      {key_of("3", kHex20), key_of("3", kHex36), "the key has changed but its id 3 has not"},
      {key_of("3", kHex36), key_of("4", kHex20),
       "the encryption key is 16 bytes, shorter than the 32 of key 3"},
      {key_of("3+", kHex28), key_of("4+", kHex20), "shorter than the 24 of key 3"}};
  for (const auto& row : rows) {
    auto ring = ring_with(row.before);
    const auto problems = accept_key(ring, {.key = row.offered, .problems = {}});
    CHECK(ring.newest() == row.before);
    CHECK_FALSE(ring.rotating());
    REQUIRE(problems.size() == 1);
    const auto shown = problems[0].to_string();
    INFO(shown);
    CHECK(shown.find(row.says) != std::string::npos);
    CHECK(shown.ends_with("; the key before it stays in use"));
    CHECK_FALSE(leaks(shown, kHex36));
    CHECK_FALSE(leaks(shown, other));
  }
}

TEST_CASE("a Secret that cannot be read leaves the key in use, or says that there is none") {
  KeyRing ring = ring_with(key_of("3", kHex20));
  const auto broken = accept_key(ring, decode_keys("4 rfc4106(gcm(aes)) xyz 128"));
  CHECK(ring.newest() == key_of("3", kHex20));
  REQUIRE(broken.size() == 1);
  CHECK(broken[0].sentence.ends_with("; the last good key stays in use"));
  KeyRing none;
  const auto never = accept_key(none, decode_keys("4 rfc4106(gcm(aes)) xyz 128"));
  REQUIRE(never.size() == 1);
  CHECK(never[0].sentence.ends_with("are dropped until there is a key"));
}

}  // namespace this_file
