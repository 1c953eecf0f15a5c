#include "tools/operator/election.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pellicle {

namespace {

using nlohmann::json;

// Fields of a Lease; a missing or mistyped field is empty.
struct Record {
  std::string version;
  std::string holder;
  std::string acquired;
  int64_t seconds = 0;
  int64_t transitions = 0;
};

std::optional<Record> record(const json& lease) {
  if (!lease.is_object() || !lease.contains("metadata")) return std::nullopt;
  const auto spec = lease.value("spec", json::object());
  const auto text = [](const json& object, const char* field) {
    const auto value = object.is_object() ? object.value(field, json()) : json();
    return value.is_string() ? value.get<std::string>() : "";
  };
  const auto number = [&](const char* field) {
    const auto value = spec.is_object() ? spec.value(field, json()) : json();
    return value.is_number_integer() ? value.get<int64_t>() : 0;
  };
  Record out{.version = text(lease["metadata"], "resourceVersion"),
             .holder = text(spec, "holderIdentity"),
             .acquired = text(spec, "acquireTime"),
             .seconds = number("leaseDurationSeconds"),
             .transitions = number("leaseTransitions")};
  if (out.version.empty()) return std::nullopt;
  return out;
}

std::map<std::string, std::string> annotations_of(const json& lease) {
  std::map<std::string, std::string> all;
  const auto& metadata = lease.at("metadata");
  if (!metadata.is_object() || !metadata.contains("annotations")) return all;
  const auto& annotations = metadata["annotations"];
  if (!annotations.is_object()) return all;
  for (const auto& [name, value] : annotations.items()) {
    if (value.is_string()) all[name] = value.get<std::string>();
  }
  return all;
}

void write_owner(const LeaseNotes::Owner& owner, json& lease) {
  if (owner.name.empty()) return;
  const json reference = {
      {"apiVersion", "v1"}, {"kind", owner.kind}, {"name", owner.name}, {"uid", owner.uid}};
  lease["metadata"]["ownerReferences"] = json::array({reference});
}

void write_annotations(const LeaseNotes& notes, json& lease) {
  for (const auto& [name, value] : notes.annotations) {
    lease["metadata"]["annotations"][name] = value;
  }
}

// The API takes whole seconds, at least one.
int64_t whole_seconds(Milliseconds time) {
  return std::max<int64_t>(1, (time.count() + 999) / 1000);
}

}  // namespace

std::string Election::lease_path() const {
  return "/apis/coordination.k8s.io/v1/namespaces/" + settings_.space + "/leases";
}

Request Election::get() const {
  return {.path = lease_path() + "/" + settings_.name, .limit = settings_.renew_deadline / 2};
}

Request Election::write(const char* method, const std::string& body) const {
  const auto limit = settings_.renew_deadline / 2;
  const bool create = std::string(method) == "POST";
  return {.method = method,
          .path = lease_path() + (create ? "" : "/" + settings_.name),
          .query = {{"timeout", std::to_string(limit.count()) + "ms"}},
          .content_type = "application/json",
          .body = body,
          .limit = limit};
}

std::optional<Request> Election::answered(const Response& response, Instant now,
                                          const std::string& wall) {
  const bool absent = response.status == 404;
  if (!absent && (response.status != 200 || !response.error.empty())) {
    trouble_ =
        "Lease " + settings_.space + "/" + settings_.name + ": " + failure_sentence(response);
    return std::nullopt;
  }
  json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"name", settings_.name}, {"namespace", settings_.space}}}};
  Record seen;
  if (!absent) {
    lease = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
    const auto read = record(lease);
    if (!read) {
      trouble_ = "Lease " + settings_.space + "/" + settings_.name + ": the answer is no Lease";
      return std::nullopt;
    }
    seen = *read;
  }
  trouble_.clear();
  if (seen.version != version_) changed_ = now;
  version_ = seen.version;
  holder_ = seen.holder;
  term_ = std::max(Milliseconds(seen.seconds * 1000), settings_.lease);
  const bool ours = holder_ == settings_.identity;
  // A Lease deleted while this replica held it is created again with all its notes.
  const bool told = ours || (absent && renewed_);
  if (!ours) renewed_.reset();
  if (!told) found_ = annotations_of(lease);
  if (!ours && !holder_.empty() && now < changed_ + term_) return std::nullopt;
  lease["spec"]["holderIdentity"] = settings_.identity;
  lease["spec"]["leaseDurationSeconds"] = whole_seconds(settings_.lease);
  lease["spec"]["acquireTime"] = ours && !seen.acquired.empty() ? seen.acquired : wall;
  lease["spec"]["renewTime"] = wall;
  lease["spec"]["leaseTransitions"] = seen.transitions + (ours || absent ? 0 : 1);
  if (!ownerless_) write_owner(notes_.owner, lease);
  if (told) write_annotations(notes_, lease);
  lease_ = lease.dump();
  return write(absent ? "POST" : "PUT", lease_);
}

void Election::wrote(const Response& response, Instant begun) {
  const bool good = (response.status == 200 || response.status == 201) && response.error.empty();
  if (!good) {
    // An API server may require the `delete` verb to write an owner to a Lease, which charts before
    // 0.2 do not grant.
    if (response.status == 403) ownerless_ = true;
    // 409: another replica wrote first. It cannot happen to renewals of our own Lease, so nothing
    // is lost.
    if (response.status != 409) {
      trouble_ =
          "Lease " + settings_.space + "/" + settings_.name + ": " + failure_sentence(response);
    }
    return;
  }
  lease_ = response.body;
  if (const auto now = record(json::parse(response.body, nullptr, false))) version_ = now->version;
  holder_ = settings_.identity;
  renewed_ = begun;
}

std::string Election::found(const std::string& annotation) const {
  const auto at = found_.find(annotation);
  return at == found_.end() ? "" : at->second;
}

bool Election::may_act(Instant now, Milliseconds needs) const {
  return renewed_ && now + needs < *renewed_ + settings_.renew_deadline;
}

std::optional<Request> Election::release(const std::string& wall) {
  if (!renewed_ || holder_ != settings_.identity) return std::nullopt;
  auto lease = json::parse(lease_, nullptr, /*allow_exceptions=*/false);
  renewed_.reset();
  if (!record(lease)) return std::nullopt;
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  lease["spec"]["renewTime"] = wall;
  write_annotations(notes_, lease);
  return write("PUT", lease.dump());
}

}  // namespace pellicle
