#include "agent/kube/key_writer.h"

#include <openssl/crypto.h>

#include <nlohmann/json.hpp>

#include "agent/kube/base64.h"
#include "agent/kube/key_records.h"

namespace pellicle {

namespace {

using How = KeyWritten::How;

constexpr const char* kSecrets = "/api/v1/namespaces/kube-system/secrets";
constexpr const char* kName = "cilium-ipsec-keys";
constexpr int kMostConflicts = 5;  // more mean that another program writes all the time

bool answered(const Response& response, uint16_t status) {
  return response.status == status && response.error.empty();
}

nlohmann::json secret_with(const IpsecKey& key, const std::string& version) {
  auto line = key_line(key);
  const KeySince since{.id = key.id, .since = std::chrono::system_clock::now()};
  nlohmann::json secret{
      {"metadata", {{"annotations", {{std::string(kKeySinceAnnotation), since.text()}}}}},
      {"data", {{"keys", to_base64(line)}}}};
  OPENSSL_cleanse(line.data(), line.size());
  if (!version.empty()) {
    secret["metadata"]["resourceVersion"] = version;
    return secret;
  }
  secret["metadata"]["name"] = kName;
  secret["metadata"]["namespace"] = "kube-system";
  secret["apiVersion"] = "v1";
  secret["kind"] = "Secret";
  secret["type"] = "Opaque";
  return secret;
}

}  // namespace

std::string key_secret_path() {
  return std::string(kSecrets) + "/" + kName;
}

std::string resource_version(const std::string& object) {
  const auto json = nlohmann::json::parse(object, nullptr, /*allow_exceptions=*/false);
  const auto pointer = nlohmann::json::json_pointer("/metadata/resourceVersion");
  if (!json.is_object() || !json.contains(pointer) || !json[pointer].is_string()) return "";
  return json[pointer].get<std::string>();
}

KeyWriter::KeyWriter(ApiClient& client, RotationWishes wishes, Callbacks callbacks,
                     RandomKey random)
    : client_(client),
      wishes_(std::move(wishes)),
      callbacks_(std::move(callbacks)),
      random_(std::move(random)) {}

KeyWriter::~KeyWriter() = default;

void KeyWriter::start() {
  read();
}

void KeyWriter::read() {
  call_ =
      client_.request({.path = key_secret_path()}, [this](const Response& got) { was_read(got); });
}

void KeyWriter::was_read(const Response& response) {
  if (answered(response, 404)) return consider(std::nullopt, "");
  if (!answered(response, 200)) {
    const auto sentence = std::string("reading ") + kKeySecret + ": " + failure_sentence(response);
    return done(How::failed, doubt_.empty() ? sentence : doubt_ + "; " + sentence);
  }
  const auto version = resource_version(response.body);
  if (version.empty()) {
    return done(How::failed, std::string("reading ") + kKeySecret +
                                 ": the answer is no Secret of a Kubernetes API");
  }
  consider(ApiObject{.name = kName, .text = response.body}, version);
}

void KeyWriter::consider(const std::optional<ApiObject>& secret, const std::string& version) {
  // Checked after a conflict too: the library may have sent the write twice.
  const bool tried = next_.key.id != 0;
  if (tried && secret && decode_secret(*secret).key == next_.key) return done(How::written);
  if (!doubt_.empty()) return done(How::failed, doubt_ + "; the Secret does not have the new key");
  auto plan = plan_rotation(secret, callbacks_.nodes(), wishes_, random_);
  if (const auto* refused = std::get_if<RotationRefused>(&plan)) {
    return done(How::refused, refused->sentence);
  }
  if (const auto* needless = std::get_if<RotationNeedless>(&plan)) {
    return done(How::needless, needless->sentence);
  }
  next_ = std::move(std::get<NextKey>(plan));
  write(version);
}

void KeyWriter::write(const std::string& version) {
  Request request{.method = "POST", .path = kSecrets, .content_type = "application/json"};
  if (!version.empty()) {
    request = {.method = "PATCH",
               .path = key_secret_path(),
               .content_type = "application/merge-patch+json"};
  }
  request.body = secret_with(next_.key, version).dump();
  call_ = client_.request(request, [this](const Response& got) { was_written(got); });
  OPENSSL_cleanse(request.body.data(), request.body.size());
}

void KeyWriter::was_written(const Response& response) {
  if (answered(response, 200) || answered(response, 201)) return done(How::written);
  const auto trouble = std::string("writing ") + kKeySecret + ": " + failure_sentence(response);
  if (answered(response, 409)) {
    if (++conflicts_ > kMostConflicts) return done(How::failed, trouble);
    callbacks_.on_note("somebody else has just changed " + std::string(kKeySecret) +
                       "; it is read again");
    return read();
  }
  // Without a complete answer, the write may have succeeded.
  if (!response.error.empty()) return doubtful(trouble);
  done(How::failed, trouble);
}

void KeyWriter::doubtful(const std::string& trouble) {
  doubt_ = trouble;
  read();
}

void KeyWriter::done(KeyWritten::How how, const std::string& sentence) {
  const auto on_done = callbacks_.on_done;  // it may destroy this
  on_done({.how = how, .next = how == How::written ? next_ : NextKey{}, .sentence = sentence});
}

}  // namespace pellicle
