#include "agent/kube/list_watch_requests.h"

namespace pellicle {
namespace {

void select(const Resource& resource, Request& request) {
  if (!resource.field_selector.empty()) {
    request.query.emplace_back("fieldSelector", resource.field_selector);
  }
  if (!resource.label_selector.empty()) {
    request.query.emplace_back("labelSelector", resource.label_selector);
  }
}

// The media types of an answer about `kind` ("PartialObjectMetadata", for a LIST with "List").
std::string accepted(const ListWatch& state, const std::string& kind) {
  std::string plain = "application/json";
  if (!state.resource.metadata_only || state.in_full) return plain;
  return plain + ";as=" + kind + ";g=meta.k8s.io;v=v1, " + plain;
}

}  // namespace

// A LIST from the cache has no pages: with a limit, servers ask etcd instead (or ignore the limit).
Request list_request(const ListWatch& state) {
  Request request{.path = state.resource.path,
                  .accept = accepted(state, "PartialObjectMetadataList")};
  if (state.from_cache) {
    request.query = {{"resourceVersion", state.heard_version.empty() ? "0" : state.heard_version}};
  } else {
    request.query = {{"limit", std::to_string(state.page_size)}};
  }
  select(state.resource, request);
  if (!state.continue_token.empty()) request.query.emplace_back("continue", state.continue_token);
  return request;
}

Request watch_request(const ListWatch& state, std::chrono::seconds length) {
  Request request{.path = state.resource.path,
                  .query = {{"watch", "1"},
                            {"allowWatchBookmarks", "true"},
                            {"resourceVersion", state.resource_version},
                            {"timeoutSeconds", std::to_string(length.count())}},
                  .accept = accepted(state, "PartialObjectMetadata"),
                  .limit = length + std::chrono::seconds(15)};
  select(state.resource, request);
  return request;
}

}  // namespace pellicle
