#include "agent/kube/publish.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "agent/kube/key_records.h"
#include "agent/kube/list_watch.h"

namespace pellicle {
namespace {

// A successful patch normally comes back through the watch at once. After this time without it, the
// publisher trusts the Node as last seen and patches again.
constexpr std::chrono::seconds kEcho{10};

// Other nodes wait for these annotations only to finish a rotation.
bool may_wait(const std::string& name) {
  return name == std::string(kPrefix) + std::string(kKeyAnnotation) ||
         name == kReceivesAnnotation || name == kSequenceUsedAnnotation;
}

std::string hex(uint32_t number) {
  std::ostringstream text;
  text << "0x" << std::hex << number;
  return text.str();
}

}  // namespace

Annotations published(const std::vector<DatapathConfig::Network>& networks,
                      const std::optional<uint8_t>& key_id, bool host_encryption) {
  Annotations all;
  const auto set = [&](std::string_view name, std::string value) {
    all[std::string(kPrefix) + std::string(name)] = std::move(value);
  };
  for (const auto& [pod_cidr, router] : networks) {
    const bool ipv4 = router.family() == Family::v4;
    set(ipv4 ? kRouterAnnotation : kRouter6Annotation, router.to_string());
    set(ipv4 ? kPodCidrAnnotation : kPodCidr6Annotation, pod_cidr.to_string());
  }
  if (!networks.empty()) {
    all[std::string(kHostEncryptionAnnotation)] = kHostEncryptionAccepted;
    all[std::string(kEncryptsAnnotation)] = host_encryption ? kEncryptsNodes : kEncryptsPods;
  }
  if (key_id) set(kKeyAnnotation, std::to_string(*key_id));
  return all;
}

Annotations published_addresses(const Node& self, const std::vector<std::string>& internal_ips,
                                const Annotations& present) {
  Annotations all;
  std::string words;
  for (const auto& ip : internal_ips) words += (words.empty() ? "" : " ") + ip;
  const std::string name(kInternalIpsAnnotation);
  if (!words.empty() || present.contains(name)) all[name] = words;
  for (const auto family : kFamilies) {
    const auto cidr = self.pod_cidr(family);
    if (!cidr) continue;
    const auto cidr_name = family == Family::v4 ? kPodCidrAnnotation : kPodCidr6Annotation;
    all[std::string(kPrefix) + std::string(cidr_name)] = cidr->to_string();
  }
  return all;
}

Annotations published(const Sender& sender, const std::set<uint32_t>& receives,
                      const Annotations& present) {
  Annotations all;
  if (sender.epochs.empty()) return all;
  all[std::string(kBootIdAnnotation)] = sender.boot_id;
  std::string epochs;
  for (const auto& epoch : sender.epochs) {
    epochs += (epochs.empty() ? "" : " ") + hex(epoch.spi) + "/" + std::to_string(epoch.generation);
  }
  all[std::string(kEpochsAnnotation)] = epochs;
  std::string spis;
  for (const auto spi : receives) spis += (spis.empty() ? "" : " ") + hex(spi);
  const auto said = present.find(std::string(kReceivesAnnotation));
  if (!spis.empty() || (said != present.end() && !said->second.empty())) {
    all[std::string(kReceivesAnnotation)] = spis;
  }
  return all;
}

Annotations difference(const Annotations& wanted, const Annotations& present) {
  Annotations missing;
  for (const auto& [name, value] : wanted) {
    const auto found = present.find(name);
    if (found == present.end() || found->second != value) missing[name] = value;
  }
  return missing;
}

std::string patch_body(const Annotations& annotations) {
  return nlohmann::json{{"metadata", {{"annotations", annotations}}}}.dump();
}

Publisher::Publisher(boost::asio::io_context& io, ApiClient& client, std::string node_name,
                     uint64_t seed, Callbacks callbacks, const Pace& pace)
    : client_(client),
      node_name_(std::move(node_name)),
      seed_(seed),
      callbacks_(std::move(callbacks)),
      pace_(pace),
      timer_(io),
      calm_(io),
      turn_(io) {}

void Publisher::publish(Annotations wanted, Annotations present, std::chrono::milliseconds spread) {
  spread_ = spread;
  wanted_ = std::move(wanted);
  present_ = std::move(present);
  if (difference(sent_, present_).empty()) sent_.clear();  // the watch has shown the patch
  look_for_others();
  consider();
}

void Publisher::look_for_others() {
  const auto there = [this](const auto& each) { return present_.contains(each.first); };
  // The Node is gone or was made again: no program removed the annotations.
  if (std::none_of(wanted_.begin(), wanted_.end(), there)) return stood_.clear();
  std::string changed;
  for (const auto& [name, value] : wanted_) {
    const auto found = present_.find(name);
    if (found != present_.end() && found->second == value) {
      stood_[name] = value;
      continue;
    }
    const auto stood = stood_.find(name);
    if (stood == stood_.end()) continue;
    if (stood->second == value) changed = name;
    stood_.erase(stood);
  }
  if (!changed.empty()) contested(changed);
}

void Publisher::contested(const std::string& name) {
  calm_.expires_after(4 * pace_.longest_backoff);
  calm_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    const bool was_troubled = std::exchange(overwritten_, 0) > 1;
    if (was_troubled && !waiting_) trouble("");
  });
  if (++overwritten_ < 2) return;  // may be a mistake; corrected at once
  trouble("publishing annotations on Node " + node_name_ + ": somebody else keeps changing " +
          name +
          "; expected no other agent with this node name, and no other program that writes it");
  if (busy_) return;
  waiting_ = true;
  wait(backoff(overwritten_ - 2, seed_, pace_));
}

// Reports each sentence once; an empty one ends the trouble.
void Publisher::trouble(std::string sentence) {
  if (sentence == trouble_) return;
  trouble_ = std::move(sentence);
  if (trouble_.empty()) {
    if (callbacks_.on_healthy) callbacks_.on_healthy();
  } else if (callbacks_.on_trouble) {
    callbacks_.on_trouble(trouble_);
  }
}

void Publisher::consider() {
  if (busy_ || waiting_) return;
  auto missing = difference(wanted_, present_);
  if (difference(missing, sent_).empty() || spread_out(missing)) return;
  busy_ = true;
  sent_ = missing;
  call_ = client_.request({.method = "PATCH",
                           .path = "/api/v1/nodes/" + node_name_ + "/status",
                           .content_type = "application/strategic-merge-patch+json",
                           .body = patch_body(missing)},
                          [this](const Response& response) { answered(response); });
}

// Returns true while `missing` has to wait for its turn.
bool Publisher::spread_out(const Annotations& missing) {
  const bool urgent = std::any_of(missing.begin(), missing.end(),
                                  [](const auto& entry) { return !may_wait(entry.first); });
  if (urgent || spread_.count() == 0 || has_turn_) {
    has_turn_ = awaits_turn_ = false;
    turn_.cancel();
    return false;
  }
  if (std::exchange(awaits_turn_, true)) return true;
  const auto part = next_random(seed_) % static_cast<uint64_t>(spread_.count());
  turn_.expires_after(std::chrono::milliseconds(part));
  turn_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    awaits_turn_ = false;
    has_turn_ = true;
    consider();
  });
  return true;
}

void Publisher::answered(const Response& response) {
  busy_ = false;
  if (response.status == 200 && response.error.empty()) {
    failures_ = 0;
    overload_.ended();
    if (overwritten_ < 2) trouble("");
    wait(kEcho);
    return consider();  // `wanted_` may have changed meanwhile
  }
  failed(response);
}

void Publisher::failed(const Response& response) {
  sent_.clear();
  if (!overload_.excuses(response.status, std::chrono::system_clock::now()))
    trouble("publishing annotations on Node " + node_name_ + ": " + failure_sentence(response));
  waiting_ = true;
  auto delay = backoff(failures_++, seed_, pace_);
  if (response.retry_after)
    delay = std::max<std::chrono::milliseconds>(delay, *response.retry_after);
  wait(delay);
}

void Publisher::wait(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    waiting_ = false;
    sent_.clear();
    consider();
  });
}

}  // namespace pellicle
