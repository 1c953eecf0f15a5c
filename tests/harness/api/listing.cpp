#include "tests/harness/api/listing.h"

#include <algorithm>

#include "tests/harness/api/encoding.h"
#include "tests/harness/api/negotiate.h"
#include "tests/harness/api/selector.h"

namespace pellicle::api {
namespace {

constexpr int64_t kAnyVersion = -1;  // a page that may be newer than the previous ones

// Where a list that `limit` cut off continues: the content of the opaque `continue` text.
struct Page {
  int64_t version = kAnyVersion;
  std::string start;  // the first key of the page: the last page's last name and a NUL
};

std::string token_of(const Page& page) {
  std::string text =
      base64(Json{{"v", "meta.k8s.io/v1"}, {"rv", page.version}, {"start", page.start}}.dump());
  while (text.ends_with('=')) text.pop_back();  // base64url without padding, like the real one
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

Page page_of(std::string token) {
  for (char& c : token) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (token.size() % 4 != 0) token += '=';
  const Json json = Json::parse(from_base64(token).value_or(""), nullptr, false);
  if (!json.is_object() || !json.contains("rv") || !json["rv"].is_number_integer() ||
      !json.contains("start") || !json["start"].is_string())
    throw bad_request("continue key is not valid");
  return {json["rv"], json["start"]};
}

// In the order of the paths in etcd, which a page's start is compared with.
std::map<std::string, Object> in_order(const Store& store, uint64_t version, const ObjectKey& of) {
  std::map<std::string, Object> result;
  for (const auto& [key, object] : store.at(version, of.resource, of.ns))
    result.emplace(of.ns.empty() && !key.ns.empty() ? key.ns + "/" + key.name : key.name, object);
  return result;
}

Refusal page_expired(const Page& page) {
  Refusal refusal = expired(
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start a new list without the continue parameter, or use the continue token in this response "
      "to retrieve the remainder of the results. Continuing with the provided token results in an "
      "inconsistent list - objects that were created, modified, or deleted between the time the "
      "first chunk was returned and now may show up in the list.");
  refusal.status["metadata"]["continue"] = token_of({kAnyVersion, page.start});
  return refusal;
}

uint64_t version_to_list(const Store& store, const Call& call, const std::optional<Page>& page) {
  const std::optional<uint64_t> asked = call.number("resourceVersion");
  const std::string match = call.parameter("resourceVersionMatch");
  if (page) {
    if (asked.value_or(0) != 0)
      throw bad_request("specifying resource version is not allowed when using continue");
    if (page->version == kAnyVersion) return store.version();
    if (uint64_t(page->version) < store.oldest()) throw page_expired(*page);
    return std::min(uint64_t(page->version), store.version());
  }
  if (!match.empty() && match != "Exact" && match != "NotOlderThan")
    throw bad_request("resourceVersionMatch: Unsupported value: \"" + match + "\"");
  if (!match.empty() && !asked)
    throw bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (!asked) return store.version();
  if (*asked == 0) return store.cached();
  const bool limited = call.number("limit").value_or(0) > 0;
  const bool exact = match == "Exact" || (match.empty() && limited);
  // Not older than asked for. With a limit etcd answers, else the cache, which is waited for.
  const uint64_t newest = exact || limited ? store.version() : store.cached();
  if (*asked > newest) throw too_large(*asked, newest);
  if (!exact) return newest;
  if (*asked < store.oldest())
    throw expired("The resourceVersion for the provided list is too old.");
  return *asked;
}

}  // namespace

Json listing(const Store& store, const Call& call) {
  const Selector selector(*call.resource, call.parameter("fieldSelector"),
                          call.parameter("labelSelector"));
  // A cache has no pages: from any version, the limit does not count.
  const bool from_any_version = call.number("resourceVersion") == 0U;
  const uint64_t limit = from_any_version ? 0 : call.number("limit").value_or(0);
  std::optional<Page> page;
  if (!call.parameter("continue").empty()) page = page_of(call.parameter("continue"));
  const uint64_t version = version_to_list(store, call, page);

  Json items = Json::array();
  std::string last;
  uint64_t remaining = 0;
  for (const auto& [name, object] : in_order(store, version, call.key)) {
    if ((page && name < page->start) || !selector.matches(*object)) continue;
    if (limit != 0 && items.size() == limit) {
      ++remaining;
      continue;
    }
    items.push_back(call.metadata_only ? metadata_of(*object) : *object);
    last = name;
  }
  Json metadata = {{"resourceVersion", std::to_string(version)}};
  if (remaining > 0) {
    metadata["continue"] = token_of({int64_t(version), last + '\0'});
    if (selector.everything()) metadata["remainingItemCount"] = remaining;
  }
  const bool meta = call.metadata_only;
  return {{"kind", meta ? "PartialObjectMetadataList" : std::string(call.resource->kind) + "List"},
          {"apiVersion", meta ? "meta.k8s.io/v1" : call.resource->api_version()},
          {"metadata", metadata},
          {"items", items}};
}

}  // namespace pellicle::api
