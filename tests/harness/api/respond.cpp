#include "tests/harness/api/respond.h"

#include "tests/harness/api/discovery.h"
#include "tests/harness/api/listing.h"
#include "tests/harness/api/negotiate.h"
#include "tests/harness/api/patch.h"
#include "tests/harness/api/validation.h"

namespace pellicle::api {
namespace {

Response object_response(int code, const Call& call, const Object& object) {
  return json_response(code, with_kind(*object, *call.resource));
}

std::string media_type(const Call& call) {
  const std::string& header = call.request.content_type;
  return header.substr(0, header.find_first_of("; "));
}

// The parser's error with the wording of Go's decoder, which Kubernetes clients see.
Json parsed(const Call& call, const std::string& what) {
  Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_discarded()) return body;
  try {
    body = Json::parse(call.request.body);
  } catch (const Json::parse_error& error) {
    const bool early = error.byte > call.request.body.size();
    throw bad_request(what + (early
                                  ? "unexpected end of JSON input"
                                  : "invalid character near offset " + std::to_string(error.byte)));
  }
  return body;
}

// The object of a POST or PUT. Throws 415 and 400.
Json sent_object(const Call& call) {
  const std::string type = media_type(call);
  if (!type.empty() && type != "application/json") throw unsupported_media_type();
  Json object = parsed(call, "error decoding object: ");
  const std::string kind(call.resource->kind);
  const std::string bad = undecodable(*call.resource, object);
  if (!bad.empty())
    throw bad_request(kind + " in version \"v1\" cannot be handled as a " + kind + ": " + bad);
  const std::string version = call.resource->api_version();
  if (object.value("kind", Json(kind)) != kind ||
      object.value("apiVersion", Json(version)) != version)
    throw bad_request("the object provided does not match the expected " + kind + " of " + version);
  return with_string_data_folded(std::move(object));
}

// A kube-apiserver separates the two halves of a Node: only the subresource changes the status,
// only the object changes the spec, both change the metadata.
Json on_its_half(const Call& call, const Json& stored, Json object) {
  if (call.resource->plural != kNodes.plural) return object;
  const char* kept = call.subresource.empty() ? "status" : "spec";
  if (stored.contains(kept))
    object[kept] = stored[kept];
  else
    object.erase(kept);
  return object;
}

Object stored_object(const Store& store, const Call& call) {
  Object object = store.get(call.key);
  if (!object) throw not_found(call.key);
  return object;
}

// From the cache, if the client is content with a version that it holds.
Response get(const Store& store, const Call& call) {
  const auto asked = call.number("resourceVersion");
  Object object;
  if (asked) {
    if (*asked > store.cached()) throw too_large(*asked, store.cached());
    const auto all = store.at(store.cached(), call.key.resource, call.key.ns);
    const auto found = all.find(call.key);
    if (found != all.end()) object = found->second;
  } else {
    object = store.get(call.key);
  }
  if (!object) throw not_found(call.key);
  if (call.metadata_only) return json_response(200, metadata_of(*object));
  return object_response(200, call, object);
}

Response create(Store& store, const Call& call) {
  Json object = sent_object(call);
  Json& metadata = object["metadata"];
  const std::string name = metadata.is_object() ? metadata.value("name", "") : "";
  check_name(*call.resource, name);
  if (metadata.value("namespace", call.key.ns) != call.key.ns)
    throw bad_request(
        "the namespace of the provided object does not match the namespace sent on "
        "the request");
  if (!metadata.value("resourceVersion", "").empty())
    throw bad_request("resourceVersion should not be set on objects to be created");
  if (call.resource == &kNodes) {
    Json status = empty_node_status();
    status.merge_patch(object.value("status", Json::object()));
    object["status"] = std::move(status);
    if (!object.contains("spec")) object["spec"] = Json::object();
    object = with_pod_cidrs_agreed(std::move(object));
  } else if (call.resource == &kSecrets && !object.contains("type")) {
    object["type"] = "Opaque";
  }
  check_object(*call.resource, call.key.ns, name, object);
  const ObjectKey key{call.key.resource, call.key.ns, name};
  return object_response(201, call, store.create(key, std::move(object)));
}

Response update(Store& store, const Call& call) {
  const Json object = sent_object(call);
  const Object stored = stored_object(store, call);
  Json next = on_its_half(call, *stored, object);
  if (call.resource == &kNodes) next = with_pod_cidrs_agreed(std::move(next));
  check_object(*call.resource, call.key.ns, call.key.name, next);
  check_update(*call.resource, call.key, *stored, next);
  check_conditional(*call.resource, call.key.name, object);
  return object_response(200, call, store.update(call.key, std::move(next)));
}

Response patch(Store& store, const Call& call) {
  const std::string type = media_type(call);
  const bool strategic = type == "application/strategic-merge-patch+json";
  if (!strategic && type != "application/merge-patch+json") throw unsupported_media_type();
  const Json body = parsed(call, "error decoding patch: ");
  if (!body.is_object())
    throw bad_request("error decoding patch: json: cannot unmarshal " +
                      std::string(body.type_name()) +
                      " into Go value of type map[string]interface {}");
  const Object stored = stored_object(store, call);
  Json next = strategic ? strategic_merge_patch(*stored, body) : merge_patch(*stored, body);
  const std::string bad = undecodable(*call.resource, next);
  if (!bad.empty())
    throw Refusal(422, "Invalid", " \"\" is invalid: patch: Invalid value: " + bad, Json::object());
  next = on_its_half(call, *stored, with_string_data_folded(std::move(next)));
  if (call.resource == &kNodes) next = with_pod_cidrs_agreed(std::move(next));
  check_object(*call.resource, call.key.ns, call.key.name, next);
  check_update(*call.resource, call.key, *stored, next);
  return object_response(200, call, store.update(call.key, std::move(next)));
}

Response remove(Store& store, const Call& call) {
  const Object stored = stored_object(store, call);
  const std::string uid = (*stored)["metadata"]["uid"];
  if (!call.request.body.empty()) {
    const Json options = parsed(call, "error decoding options: ");
    const Json wanted =
        options.is_object() ? options.value("preconditions", Json::object()) : Json();
    for (const char* field : {"uid", "resourceVersion"})
      if (wanted.is_object() && wanted.contains(field) &&
          wanted[field] != (*stored)["metadata"][field])
        throw precondition_failed(call.key, std::string("Precondition failed: ") + field);
  }
  store.remove(call.key);
  return json_response(
      200, {{"kind", "Status"},
            {"apiVersion", "v1"},
            {"metadata", Json::object()},
            {"status", "Success"},
            {"details", {{"name", call.key.name}, {"kind", call.key.resource}, {"uid", uid}}}});
}

bool accepts_json(const std::string& accept) {
  return accept.empty() || accept.find("application/json") != std::string::npos ||
         accept.find("*/*") != std::string::npos ||
         accept.find("application/*") != std::string::npos;
}

}  // namespace

Response json_response(int code, const Json& body) {
  return {.code = code, .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Response respond(Store& store, const Call& call) {
  if (call.resource == nullptr) {
    std::optional<Response> found = discovery(call.path);
    if (!found) throw no_such_path();
    if (call.request.method != "GET") throw method_not_allowed();
    return *found;
  }
  if (!accepts_json(call.request.accept)) throw not_acceptable();
  if (!call.parameter("dryRun").empty()) throw bad_request("dryRun is not served here");
  if (call.verb == "get") return get(store, call);
  if (call.verb == "list") return json_response(200, listing(store, call));
  if (call.verb == "update") return update(store, call);
  if (call.verb == "patch") return patch(store, call);
  const bool in_place = !call.resource->namespaced || !call.key.ns.empty();
  if (call.verb == "create" && in_place) return create(store, call);
  if (call.verb == "delete" && call.subresource.empty()) return remove(store, call);
  throw method_not_allowed();
}

}  // namespace pellicle::api
