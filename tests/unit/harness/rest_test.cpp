// Single objects over HTTPS: the verbs, their answers and their errors.
#include "tests/harness/api/encoding.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kNodes = "/api/v1/nodes";
const std::string kWorker = "/api/v1/nodes/worker";
const std::string kSecrets = "/api/v1/namespaces/kube-system/secrets";
constexpr const char* kJson = "application/json";
constexpr const char* kMerge = "application/merge-patch+json";
constexpr const char* kStrategic = "application/strategic-merge-patch+json";

Reply patch(const ApiFixture& api, const std::string& target, const Json& body,
            const char* type = kMerge) {
  return fetch(api,
               {.method = "PATCH", .target = target, .body = body.dump(), .content_type = type});
}

Json annotations(const Json& values) {
  return {{"metadata", {{"annotations", values}}}};
}

std::string version_of(const Json& object) {
  return object["metadata"]["resourceVersion"];
}

void check_status(const Reply& reply, int code, const std::string& reason) {
  CHECK(reply.status == code);
  const Json status = reply.json();
  CHECK(status["kind"] == "Status");
  CHECK(status["apiVersion"] == "v1");
  CHECK(status["metadata"].is_object());
  CHECK(status["status"] == "Failure");
  CHECK(status["reason"] == reason);
  CHECK(status["code"] == code);
  CHECK_FALSE(status["message"].get<std::string>().empty());
}

}  // namespace

TEST_CASE("GET answers one object with kind, apiVersion and the usual headers") {
  const auto api = seeded();
  const Reply reply = get(*api, kWorker);
  CHECK(reply.status == 200);
  CHECK(reply.json()["kind"] == "Node");
  CHECK(reply.json()["apiVersion"] == "v1");
  CHECK(reply.json() == *api->get(api::node_key("worker")));
  CHECK(reply.headers.at("content-type") == "application/json");
  CHECK(reply.headers.at("cache-control") == "no-cache, private");
  CHECK(reply.headers.at("audit-id").size() == 36);
  CHECK(reply.headers.contains("date"));
  CHECK(get(*api, kWorker + "/status").json() == reply.json());
  const Json secret = get(*api, kSecrets + "/cilium-ipsec-keys").json();
  CHECK(api::from_base64(secret["data"]["keys"].get<std::string>()) == api::kSeedKeyLine);
}

TEST_CASE("long answers come in chunks, short ones with their length") {
  const auto api = seeded();
  CHECK(get(*api, kNodes).headers.at("transfer-encoding") == "chunked");
  CHECK(get(*api, "/version").headers.contains("content-length"));
}

TEST_CASE("one connection serves many requests, one after the other") {
  const auto api = seeded();
  Exchange exchange(*api, {.target = kWorker});
  for (const char* target : {"/healthz", "/api/v1/nodes/nope", "/api/v1/nodes"}) {
    REQUIRE(exchange.wait_for_end() == Ending::complete);
    REQUIRE(exchange.reusable());
    exchange.ask({.target = target});
  }
  REQUIRE(exchange.wait_for_end() == Ending::complete);
  CHECK(exchange.reply().json()["kind"] == "NodeList");
}

TEST_CASE("what does not exist is not found") {
  const auto api = seeded();
  const Reply reply = get(*api, kNodes + "/nope");
  check_status(reply, 404, "NotFound");
  CHECK(reply.json()["message"] == "nodes \"nope\" not found");
  CHECK(reply.json()["details"] == Json{{"name", "nope"}, {"kind", "nodes"}});
  check_status(get(*api, "/api/v1/services"), 404, "NotFound");
  check_status(get(*api, "/nowhere"), 404, "NotFound");
  check_status(get(*api, "/api/v1/secrets/cilium-ipsec-keys"), 404, "NotFound");
  check_status(patch(*api, kNodes + "/nope", annotations({})), 404, "NotFound");
  check_status(fetch(*api, {.method = "DELETE", .target = kNodes + "/nope"}), 404, "NotFound");
}

TEST_CASE("methods that a path does not know are not allowed") {
  const auto api = seeded();
  check_status(fetch(*api, {.method = "POST", .target = kWorker}), 405, "MethodNotAllowed");
  check_status(fetch(*api, {.method = "PUT", .target = kNodes}), 405, "MethodNotAllowed");
  check_status(fetch(*api, {.method = "DELETE", .target = kNodes}), 405, "MethodNotAllowed");
  check_status(fetch(*api, {.method = "POST", .target = "/version"}), 405, "MethodNotAllowed");
}

TEST_CASE("the documents clients discover the server by") {
  const auto api = seeded();
  CHECK(get(*api, "/version").json()["major"] == "1");
  CHECK(get(*api, "/healthz").body == "ok");
  CHECK(get(*api, "/readyz").body == "ok");
  CHECK(get(*api, "/api").json()["versions"] == Json{"v1"});
  CHECK(get(*api, "/apis").json()["kind"] == "APIGroupList");
  CHECK(get(*api, "/api/v1").json()["resources"][0]["name"] == "nodes");
}

TEST_CASE("POST creates an object once") {
  const auto api = seeded();
  const Json node = {{"metadata", {{"name", "worker3"}}}, {"spec", {{"podCIDR", "10.0.3.0/24"}}}};
  const Ask ask{.method = "POST", .target = kNodes, .body = node.dump(), .content_type = kJson};
  const Reply created = fetch(*api, ask);
  CHECK(created.status == 201);
  CHECK(created.json()["kind"] == "Node");
  CHECK(created.json()["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 0);
  CHECK(version_of(created.json()) == std::to_string(api->version()));
  const Reply again = fetch(*api, ask);
  check_status(again, 409, "AlreadyExists");
  CHECK(again.json()["message"] == "nodes \"worker3\" already exists");
}

TEST_CASE("a Secret can be created from clear text, in its namespace only") {
  const auto api = seeded();
  const Json secret = {{"metadata", {{"name", "s"}}}, {"stringData", {{"keys", "hello"}}}};
  Ask ask{.method = "POST", .target = kSecrets, .body = secret.dump(), .content_type = kJson};
  CHECK(fetch(*api, ask).status == 201);
  const Json stored = *api->get(api::secret_key("kube-system", "s"));
  CHECK(stored["data"]["keys"] == "aGVsbG8=");
  CHECK(stored["type"] == "Opaque");
  CHECK_FALSE(stored.contains("stringData"));
  ask.body = R"({"metadata":{"name":"t","namespace":"elsewhere"}})";
  check_status(fetch(*api, ask), 400, "BadRequest");
  ask.target = "/api/v1/secrets";
  check_status(fetch(*api, ask), 405, "MethodNotAllowed");
}

TEST_CASE("what a kube-apiserver could not decode is refused") {
  const auto api = seeded();
  Ask ask{.method = "POST", .target = kNodes, .body = R"({"metadata":)", .content_type = kJson};
  check_status(fetch(*api, ask), 400, "BadRequest");
  ask.body = R"({"metadata":{"name":"x","annotations":{"a":3}}})";
  check_status(fetch(*api, ask), 400, "BadRequest");
  ask.body = R"({"kind":"Pod","metadata":{"name":"x"}})";
  check_status(fetch(*api, ask), 400, "BadRequest");
  ask.body = R"({"metadata":{"name":"Not A Name"}})";
  check_status(fetch(*api, ask), 422, "Invalid");
  ask.body = R"({"metadata":{}})";
  check_status(fetch(*api, ask), 422, "Invalid");
  ask.target = kSecrets;
  ask.body = R"({"metadata":{"name":"s"},"data":{"keys":"not base64"}})";
  check_status(fetch(*api, ask), 400, "BadRequest");
  ask.content_type = "application/yaml";
  check_status(fetch(*api, ask), 415, "UnsupportedMediaType");
}

TEST_CASE("PUT replaces the object it was made from") {
  const auto api = seeded();
  Json node = get(*api, kWorker).json();
  node["metadata"]["labels"]["new"] = "yes";
  node["status"]["addresses"] = Json::array();  // ignored: status is a subresource
  Ask ask{.method = "PUT", .target = kWorker, .body = node.dump(), .content_type = kJson};
  const Reply reply = fetch(*api, ask);
  CHECK(reply.status == 200);
  CHECK(reply.json()["metadata"]["labels"]["new"] == "yes");
  CHECK(reply.json()["status"]["addresses"].size() == 2);
  const Reply stale = fetch(*api, ask);
  check_status(stale, 409, "Conflict");
  CHECK(stale.json()["message"] ==
        "Operation cannot be fulfilled on nodes \"worker\": the object has been modified; please "
        "apply your changes to the latest version and try again");
  node["metadata"].erase("resourceVersion");
  node["metadata"]["name"] = "other";
  ask.body = node.dump();
  check_status(fetch(*api, ask), 400, "BadRequest");
}

TEST_CASE("DELETE removes and says what it removed") {
  const auto api = seeded();
  const std::string uid = (*api->get(api::node_key("worker")))["metadata"]["uid"];
  Ask ask{.method = "DELETE",
          .target = kWorker,
          .body = R"({"preconditions":{"uid":"another"}})",
          .content_type = kJson};
  check_status(fetch(*api, ask), 409, "Conflict");
  ask.body = "";
  const Reply reply = fetch(*api, ask);
  CHECK(reply.status == 200);
  CHECK(reply.json()["status"] == "Success");
  CHECK(reply.json()["details"] == Json{{"name", "worker"}, {"kind", "nodes"}, {"uid", uid}});
  CHECK_FALSE(api->get(api::node_key("worker")));
}

TEST_CASE("PATCH of a node and of its status publish annotations") {
  const auto api = seeded();
  const Json key = annotations({{"network.cilium.io/encryption-key", "3"}});
  for (const auto& [target, type] :
       {std::pair{kWorker, kMerge}, std::pair{kWorker, kStrategic},
        std::pair{kWorker + "/status", kMerge}, std::pair{kWorker + "/status", kStrategic}}) {
    api->patch(api::node_key("worker"),
               annotations({{"network.cilium.io/encryption-key", nullptr}}));
    const Reply reply = patch(*api, target, key, type);
    CHECK(reply.status == 200);
    const Json now = reply.json()["metadata"]["annotations"];
    CHECK(now["network.cilium.io/encryption-key"] == "3");
    CHECK(now["network.cilium.io/ipv4-cilium-host"] == "10.0.1.138");
    CHECK(version_of(reply.json()) == std::to_string(api->version()));
  }
}

TEST_CASE("a patch that changes nothing makes no version") {
  const auto api = seeded();
  const uint64_t before = api->version();
  const Json same = annotations({{"network.cilium.io/ipv4-cilium-host", "10.0.1.138"}});
  CHECK(patch(*api, kWorker, same).status == 200);
  CHECK(patch(*api, kWorker, same, kStrategic).status == 200);
  CHECK(api->version() == before);
}

TEST_CASE("spec and status are patched each through its own path") {
  const auto api = seeded();
  const Json both = {
      {"spec", {{"unschedulable", true}}},
      {"status", {{"addresses", {{{"type", "InternalIP"}, {"address", "172.18.0.9"}}}}}}};
  const Json of_object = patch(*api, kWorker, both, kStrategic).json();
  CHECK(of_object["spec"]["unschedulable"] == true);
  CHECK(of_object["status"]["addresses"][0]["address"] == "172.18.0.3");
  api->patch(api::node_key("worker"), {{"spec", {{"unschedulable", nullptr}}}});
  const Json of_status = patch(*api, kWorker + "/status", both, kStrategic).json();
  CHECK_FALSE(of_status["spec"].contains("unschedulable"));
  CHECK(of_status["status"]["addresses"][0]["address"] == "172.18.0.9");
  CHECK(of_status["status"]["addresses"][1]["type"] == "Hostname");
}

TEST_CASE("patches that are refused change nothing") {
  const auto api = seeded();
  const Json before = *api->get(api::node_key("worker"));
  Ask broken{.method = "PATCH", .target = kWorker, .body = R"({"met)", .content_type = kMerge};
  const Reply reply = fetch(*api, broken);
  check_status(reply, 400, "BadRequest");
  CHECK(reply.json()["message"] == "error decoding patch: unexpected end of JSON input");
  broken.body = "[1]";
  check_status(fetch(*api, broken), 400, "BadRequest");
  for (const char* type : {"", "application/json", "text/plain"})
    check_status(patch(*api, kWorker, annotations({}), type), 415, "UnsupportedMediaType");

  const Json stale = {{"metadata", {{"resourceVersion", "1"}, {"annotations", {{"a", "b"}}}}}};
  check_status(patch(*api, kWorker, stale), 409, "Conflict");
  check_status(patch(*api, kWorker, stale, kStrategic), 409, "Conflict");
  check_status(patch(*api, kWorker, annotations({{"network.cilium.io/encryption-key", 3}})), 422,
               "Invalid");
  const Json cidrs = {{"spec", {{"podCIDR", "10.9.0.0/24"}, {"podCIDRs", {"10.9.0.0/24"}}}}};
  check_status(patch(*api, kWorker, cidrs), 422, "Invalid");
  // An unchanged podCIDR wins over the list, as in v1's conversion.
  CHECK(patch(*api, kWorker, {{"spec", {{"podCIDRs", {"10.9.0.0/24"}}}}}).status == 200);
  check_status(patch(*api, kWorker, {{"metadata", {{"uid", "x"}}}}), 409, "Conflict");
  for (const char* shape : {R"({"metadata":5})", R"({"spec":"x"})", R"({"spec":{"podCIDRs":1}})"})
    check_status(patch(*api, kWorker, Json::parse(shape)), 422, "Invalid");
  CHECK(*api->get(api::node_key("worker")) == before);
}

TEST_CASE("an answer that the client cannot take is not sent") {
  const auto api = seeded();
  check_status(fetch(*api, {.target = kWorker, .accept = "application/vnd.kubernetes.protobuf"}),
               406, "NotAcceptable");
  CHECK(fetch(*api, {.target = kWorker, .accept = "application/json;as=Table,*/*"}).status == 200);
}

TEST_CASE("requests are logged with who asked what and what it was answered") {
  const auto api = seeded();
  get(*api, kNodes + "?limit=2");
  patch(*api, kWorker + "/status", annotations({}));
  const auto seen = api->requests();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].method == "GET");
  CHECK(seen[0].path == kNodes);
  CHECK(seen[0].query == "limit=2");
  CHECK(seen[0].verb == "list");
  CHECK(seen[0].user == kUser);
  CHECK(seen[0].user_agent == "harness-test/1");
  CHECK(seen[0].status == 200);
  CHECK(seen[1].verb == "patch");
  CHECK(seen[1].resource == "nodes/status");
  api->clear_requests();
  CHECK(api->requests().empty());
}

}  // namespace this_file
