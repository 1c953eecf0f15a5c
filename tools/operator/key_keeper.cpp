#include "tools/operator/key_keeper.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "agent/log.h"

namespace pellicle {

KeyKeeper::KeyKeeper(boost::asio::io_context& io, ApiClient& client, KeyPolicy policy,
                     std::chrono::milliseconds period, Callbacks callbacks)
    : client_(client),
      policy_(policy),
      period_(period),
      callbacks_(std::move(callbacks)),
      timer_(io) {}

void KeyKeeper::look() {
  again();
  if (writer_ || callbacks_.nodes() == nullptr) return;
  call_ =
      client_.request({.path = key_secret_path()}, [this](const Response& got) { this->got(got); });
}

void KeyKeeper::rest() {
  timer_.cancel();
  call_ = Call();
  writer_.reset();
}

void KeyKeeper::again() {
  timer_.expires_after(period_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) look();
  });
}

void KeyKeeper::got(const Response& response) {
  const auto* nodes = callbacks_.nodes();
  if (nodes == nullptr) return;
  const bool missing = response.status == 404 && response.error.empty();
  if (!missing && (response.status != 200 || !response.error.empty())) {
    return note(std::string("reading ") + kKeySecret + ": " + failure_sentence(response));
  }
  std::optional<ApiObject> secret;
  if (!missing) secret = ApiObject{.name = kKeySecret, .text = response.body};
  const auto verdict = judge_key(policy_, secret, *nodes, std::chrono::system_clock::now());
  if (const auto* stands = std::get_if<KeyStands>(&verdict)) {
    since_ = stands->since;
    return note(stands->trouble);
  }
  if (const auto* undated = std::get_if<KeyUndated>(&verdict)) {
    return date(undated->since, resource_version(response.body));
  }
  rotate(std::get<KeyDue>(verdict), *nodes);
}

void KeyKeeper::date(const KeySince& since, const std::string& version) {
  const nlohmann::json body{
      {"metadata",
       {{"resourceVersion", version},
        {"annotations", {{std::string(kKeySinceAnnotation), since.text()}}}}}};
  call_ = client_.request({.method = "PATCH",
                           .path = key_secret_path(),
                           .content_type = "application/merge-patch+json",
                           .body = body.dump()},
                          [this, since](const Response& response) { dated(since, response); });
}

void KeyKeeper::dated(const KeySince& since, const Response& response) {
  const bool changed_meanwhile = response.status == 409 && response.error.empty();
  if (changed_meanwhile) return;  // the next look finds out
  if (response.status != 200 || !response.error.empty()) {
    return note(std::string("dating the key of ") + kKeySecret + ": " + failure_sentence(response));
  }
  since_ = since;
  note("");
  log::info("key dated: its age is not known and counts from now", {{"key", +since.id}});
}

void KeyKeeper::rotate(const KeyDue& due, const KeyNodes& nodes) {
  reason_ = due.reason;
  writer_ = std::make_unique<KeyWriter>(
      client_, RotationWishes{.per_pair = {}, .algorithm = {}, .icv_bits = {}, .only = due.id},
      KeyWriter::Callbacks{.nodes = [known = nodes.nodes] { return known; },
                           .on_note = [](const std::string& sentence) { log::info(sentence); },
                           .on_done = [this](const KeyWritten& result) { rotated(result); }});
  writer_->start();
}

void KeyKeeper::rotated(const KeyWritten& result) {
  writer_.reset();
  switch (result.how) {
    case KeyWritten::How::written:
      ++rotations_;
      since_ = KeySince{.id = result.next.key.id, .since = std::chrono::system_clock::now()};
      note("");
      return log::info(
          "key replaced",
          {{"key", +result.next.key.id}, {"before", +result.next.before->id}, {"reason", reason_}});
    case KeyWritten::How::needless:
      return log::info(result.sentence);
    case KeyWritten::How::refused:
    case KeyWritten::How::failed:
      return note(result.sentence);
  }
}

void KeyKeeper::note(const std::string& trouble) {
  if (trouble == trouble_) return;
  if (!trouble.empty()) log::warn("the key is not kept", {{"problem", trouble}});
  if (trouble.empty()) log::info("solved", {{"problem", trouble_}});
  trouble_ = trouble;
}

}  // namespace pellicle
