// The value of `keys` in the Secret, and the Secret itself.
#include "agent/kube/base64.h"
#include "agent/kube/decode.h"
#include "agent/kube/key_records.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

bool is_hex(char c) {
  return std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos;
}

// The sentence repeats no eight consecutive hex digits (four bytes) of a key.
void expect_nothing_told(const std::string& input, const std::string& sentence) {
  expect_one_line(sentence);
  constexpr size_t kTelling = 8;
  for (size_t i = 0; i + kTelling <= input.size(); ++i) {
    const auto part = input.substr(i, kTelling);
    if (!std::all_of(part.begin(), part.end(), is_hex)) continue;
    expect(sentence.find(part) == std::string::npos, "a sentence has nothing of a key");
  }
}

std::string hex(const SecretBytes& bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int digit : {bytes.data()[i] >> 4, bytes.data()[i] & 15}) {
      text += "0123456789abcdef"[digit];
    }
  }
  return text;
}

std::string line_of(const IpsecKey& key) {
  const auto id = std::to_string(key.id) + (key.per_pair ? "+ " : " ");
  if (const auto* aead = std::get_if<Aead>(&key.algorithm)) {
    return id + aead->name + " " + hex(aead->key) + " " + std::to_string(aead->icv_bits);
  }
  const auto& pair = std::get<AuthEnc>(key.algorithm);
  return id + pair.auth_name + " " + hex(pair.auth_key) + " " + pair.enc_name + " " +
         hex(pair.enc_key);
}

void check(const std::string& input, const DecodedKey& decoded, WeakAlgorithms weak) {
  expect(decoded.key || !decoded.problems.empty(), "there is a key, or a reason why not");
  for (const auto& problem : decoded.problems) expect_nothing_told(input, problem.to_string());
  if (decoded.key) {
    expect(decoded.key->id >= 1 && decoded.key->id <= 15, "the id fits the mark");
    expect(decode_keys(line_of(*decoded.key), weak).key == decoded.key,
           "an accepted key is its own line again");
  }
  KeyRing ring;
  for (const auto& problem : accept_key(ring, decoded)) {
    expect_nothing_told(input, problem.to_string());
  }
  expect(ring.empty() || decoded.key, "the ring has what was decoded");
}

void check_records(const std::string& text) {
  if (const auto since = KeySince::parse(text)) {
    expect(KeySince::parse(since->text()) == since, "KeySince is its own text again");
  }
  if (const auto use = SequenceUse::parse(text)) {
    expect(SequenceUse::parse(use->text()) == use, "SequenceUse is its own text again");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  const auto strict = decode_keys(text);
  const auto lenient = decode_keys(text, WeakAlgorithms::allowed);
  check(text, strict, WeakAlgorithms::refused);
  check(text, lenient, WeakAlgorithms::allowed);
  expect(!strict.key || lenient.key == strict.key,
         "allowing weak algorithms changes no strong key");

  expect(from_base64(to_base64(text)) == text, "base64 comes back");
  const ApiObject carried{.name = "s", .text = R"({"data":{"keys":")" + to_base64(text) + "\"}}"};
  expect(decode_secret(carried).key == strict.key, "the Secret has the key that the text has");

  const ApiObject raw{.name = "kube-system/cilium-ipsec-keys", .text = text};
  check(text, decode_secret(raw), WeakAlgorithms::refused);
  (void)key_since(raw);
  check_records(text);
  return 0;
}
