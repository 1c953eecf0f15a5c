#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/kube/base64.h"
#include "agent/kube/decode.h"

namespace pellicle {
namespace {

// Why a line was refused. Thrown inside this file only: parsing is nested, and each refusal ends
// it.
struct Refused {
  std::string sentence;
};

struct Words {
  std::vector<std::string_view> words;
  size_t offset = 0;  // 1 when the line has an id, so that word numbers in messages count from the
                      // line's start
  WeakAlgorithms weak = WeakAlgorithms::refused;

  size_t count() const { return words.size(); }
  std::string place(size_t index) const { return "word " + std::to_string(index + 1); }
};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

SecretBytes key_material(const Words& line, size_t index) {
  auto text = line.words[index];
  size_t skipped = 0;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    skipped = 2;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (hex_digit(text[i]) >= 0) continue;
    throw Refused{line.place(index) + ": expected hex digits, but character " +
                  std::to_string(i + skipped + 1) + " is none"};
  }
  if (text.empty() || text.size() % 2 != 0) {
    throw Refused{line.place(index) + ": expected an even number of hex digits, found " +
                  std::to_string(text.size())};
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(hex_digit(text[i]) << 4 | hex_digit(text[i + 1])));
  }
  SecretBytes secret(std::move(bytes));
  if (secret.all_zero()) throw Refused{line.place(index) + ": a key of zeros protects nothing"};
  return secret;
}

void expect_bytes(const Words& line, size_t index, const SecretBytes& key, bool good,
                  const std::string& expected) {
  if (good) return;
  throw Refused{line.place(index) + ": expected " + expected + ", found " +
                std::to_string(key.size())};
}

void expect_words(const Words& line, size_t expected, const std::string& form) {
  if (line.count() == expected) return;
  throw Refused{"expected " + std::to_string(expected) + " words (" + form + "), found " +
                std::to_string(line.count())};
}

Algorithm aead(const Words& line) {
  const size_t name = line.offset;
  expect_words(line, name + 3, "[id] algorithm key icv-bits");
  auto key = key_material(line, name + 1);
  const bool fits = key.size() == 20 || key.size() == 28 || key.size() == 36;
  expect_bytes(line, name + 1, key, fits, "20, 28 or 36 bytes (an AES key and 4 bytes of salt)");
  const auto icv = line.words[name + 2];
  if (icv != "96" && icv != "128") {
    throw Refused{line.place(name + 2) + ": expected an ICV length of 96 or 128 bits"};
  }
  return Aead{.name = std::string(line.words[name]),
              .key = std::move(key),
              .icv_bits = icv == "96" ? 96U : 128U};
}

Algorithm auth_enc(const Words& line) {
  const size_t name = line.offset;
  expect_words(line, name + 4, "[id] authentication key encryption key");
  if (line.words[name + 2] != "cbc(aes)") {
    throw Refused{line.place(name + 2) + ": unknown encryption algorithm; expected cbc(aes)"};
  }
  auto auth = key_material(line, name + 1);
  expect_bytes(line, name + 1, auth, auth.size() >= 16 && auth.size() <= 128, "16 to 128 bytes");
  auto enc = key_material(line, name + 3);
  const bool fits = enc.size() == 16 || enc.size() == 24 || enc.size() == 32;
  expect_bytes(line, name + 3, enc, fits, "16, 24 or 32 bytes");
  return AuthEnc{.auth_name = std::string(line.words[name]),
                 .auth_key = std::move(auth),
                 .enc_name = std::string(line.words[name + 2]),
                 .enc_key = std::move(enc)};
}

bool is_weak(std::string_view name) {
  return name == "hmac(md5)" || name == "hmac(sha1)";
}

Algorithm algorithm(const Words& line) {
  constexpr std::array<std::string_view, 3> kAuth = {"hmac(sha256)", "hmac(sha384)",
                                                     "hmac(sha512)"};
  if (line.count() <= line.offset) throw Refused{"there is no algorithm after the key id"};
  const auto name = line.words[line.offset];
  if (name == "rfc4106(gcm(aes))") return aead(line);
  if (std::find(kAuth.begin(), kAuth.end(), name) != kAuth.end()) return auth_enc(line);
  if (is_weak(name) && line.weak == WeakAlgorithms::allowed) return auth_enc(line);
  if (is_weak(name)) {
    throw Refused{line.place(line.offset) +
                  ": this algorithm is too weak; use rfc4106(gcm(aes)) or hmac(sha256), or the "
                  "setting `allow-weak-algorithms` with what has no other"};
  }
  throw Refused{line.place(line.offset) +
                ": unknown algorithm; expected rfc4106(gcm(aes)), or hmac(sha256), hmac(sha384) or "
                "hmac(sha512) with cbc(aes)"};
}

struct KeyId {
  uint8_t id = 0;
  bool per_pair = false;
};

// The id at the start of the line; nullopt when the first word is an algorithm.
std::optional<KeyId> key_id(const Words& line) {
  auto word = line.words.front();
  const bool per_pair = word.ends_with('+');
  if (per_pair) word.remove_suffix(1);
  const bool digits = !word.empty() && std::all_of(word.begin(), word.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    if (line.words.front().find('(') != std::string_view::npos) return std::nullopt;
    throw Refused{"word 1: expected a key id from 1 to 15"};
  }
  unsigned id = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), id);
  if (parsed.ec != std::errc() || id < 1 || id > 15) {
    throw Refused{"word 1: expected a key id from 1 to 15"};
  }
  return KeyId{.id = static_cast<uint8_t>(id), .per_pair = per_pair};
}

// An authentication key derived per pair is cut from a digest of at most 64 bytes.
void expect_derivable(const Words& line, const IpsecKey& key) {
  constexpr size_t kLongestDigest = 64;
  const auto* pair = std::get_if<AuthEnc>(&key.algorithm);
  if (!key.per_pair || !pair) return;
  const size_t index = line.offset + 1;
  expect_bytes(line, index, pair->auth_key, pair->auth_key.size() <= kLongestDigest,
               "16 to 64 bytes in a key per pair of nodes");
}

Problem problem(const std::string& sentence) {
  return {.object = kKeySecret, .field = kKeyField, .sentence = sentence};
}

DecodedKey refused(const std::string& sentence) {
  return {.key = std::nullopt, .problems = {problem(sentence)}};
}

}  // namespace

DecodedKey decode_keys(std::string_view text, WeakAlgorithms weak) {
  std::vector<std::string_view> words;
  for (const auto line : split(text, "\n")) {
    if (auto found = split(line, " \t\r\v\f"); !found.empty()) words = std::move(found);
  }
  if (words.empty())
    return refused("it is empty; expected a line such as: 3 rfc4106(gcm(aes)) KEY 128");
  try {
    Words line{.words = std::move(words), .weak = weak};
    const auto id = key_id(line);
    line.offset = id ? 1 : 0;
    const auto [number, per_pair] = id.value_or(KeyId{.id = 1});
    IpsecKey key{.id = number, .algorithm = algorithm(line), .per_pair = per_pair};
    expect_derivable(line, key);
    DecodedKey decoded{.key = std::move(key), .problems = {}};
    if (is_weak(line.words[line.offset])) {
      decoded.problems.push_back(
          problem("the authentication algorithm is weak, and used because `allow-weak-algorithms` "
                  "is set; rotate to rfc4106(gcm(aes)) or hmac(sha256)"));
    }
    if (!id) {
      decoded.problems.push_back(problem(
          "the line has no key id, which is deprecated; it is taken as id 1, and a key without an "
          "id cannot be rotated"));
    }
    return decoded;
  } catch (const Refused& why) {
    return refused(why.sentence);
  }
}

DecodedKey decode_secret(const ApiObject& object, WeakAlgorithms weak) {
  const auto parsed = nlohmann::json::parse(object.text, nullptr, /*allow_exceptions=*/false);
  const auto pointer = nlohmann::json::json_pointer("/data/keys");
  if (!parsed.is_object() || !parsed.contains(pointer)) {
    return refused("the field is missing");
  }
  const auto& value = parsed[pointer];
  auto text = value.is_string() ? from_base64(value.get_ref<const std::string&>()) : std::nullopt;
  if (!text) return refused("it is not base64");
  auto decoded = decode_keys(*text, weak);
  OPENSSL_cleanse(text->data(), text->size());
  return decoded;
}

std::vector<Problem> accept_key(KeyRing& ring, DecodedKey decoded) {
  const bool in_use = !ring.empty();
  if (decoded.key) {
    const auto refusal = ring.take(*decoded.key);
    if (refusal.empty()) return decoded.problems;
    return {problem(refusal)};
  }
  for (auto& each : decoded.problems) {
    each.sentence += in_use ? "; the last good key stays in use"
                            : "; pod packets to other nodes are dropped until there is a key";
  }
  return decoded.problems;
}

}  // namespace pellicle
