// Leases, Events and a Node's PodCIDRs, as kube-apiserver (1.36) accepts and refuses them.
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const std::string kEvents = "/api/v1/namespaces/default/events";

Json lease(const Json& spec, const std::string& version = "") {
  Json object = {{"apiVersion", "coordination.k8s.io/v1"},
                 {"kind", "Lease"},
                 {"metadata", {{"name", "one"}}},
                 {"spec", spec}};
  if (!version.empty()) object["metadata"]["resourceVersion"] = version;
  return object;
}

void refused(const Reply& reply, int code, const std::string& reason) {
  CHECK(reply.status == code);
  CHECK(reply.json().value("reason", "") == reason);
}

Reply send(const ApiFixture& api, const std::string& method, const std::string& target,
           const Json& body) {
  return fetch(api, {.method = method,
                     .target = target,
                     .body = body.dump(),
                     .content_type = "application/json"});
}

}  // namespace

TEST_CASE("a Lease is created once and replaced only by who has seen it") {
  const auto api = seeded();
  const Json mine = {{"holderIdentity", "a"}, {"leaseDurationSeconds", 15}};
  const Reply made = send(*api, "POST", kLeases, lease(mine));
  CHECK(made.status == 201);
  CHECK(made.json()["apiVersion"] == "coordination.k8s.io/v1");
  refused(send(*api, "POST", kLeases, lease(mine)), 409, "AlreadyExists");
  const std::string version = made.json()["metadata"]["resourceVersion"];
  const std::string one = kLeases + "/one";
  CHECK(send(*api, "PUT", one, lease({{"holderIdentity", "b"}}, version)).status == 200);
  refused(send(*api, "PUT", one, lease(mine, version)), 409, "Conflict");
  refused(send(*api, "PUT", one, lease(mine)), 422, "Invalid");
  refused(send(*api, "PUT", one, lease({{"leaseDurationSeconds", 0}}, version)), 422, "Invalid");
  refused(send(*api, "PUT", one, lease({{"leaseTransitions", -1}}, version)), 422, "Invalid");
  refused(fetch(*api, {.target = "/api/v1/namespaces/kube-system/leases/one"}), 404, "NotFound");
  CHECK(fetch(*api, {.target = one}).json()["spec"]["holderIdentity"] == "b");
}

TEST_CASE("an Event about a Node belongs to the namespace default") {
  const auto api = seeded();
  Json event = {{"kind", "Event"},
                {"metadata", {{"name", "worker.1"}}},
                {"involvedObject", {{"kind", "Node"}, {"name", "worker"}}},
                {"reason", "CIDRNotAvailable"}};
  CHECK(send(*api, "POST", kEvents, event).status == 201);
  refused(send(*api, "POST", "/api/v1/namespaces/kube-system/events", event), 422, "Invalid");
  CHECK(api->list("events").size() == 1);
}

TEST_CASE("a Node's PodCIDRs are set once, and say the same in both fields") {
  const auto api = seeded();
  const auto made = [&](const std::string& name, const Json& spec) {
    return send(*api, "POST", "/api/v1/nodes", {{"metadata", {{"name", name}}}, {"spec", spec}});
  };
  CHECK(made("a", {{"podCIDRs", {"10.0.7.0/24", "fd00::/120"}}}).json()["spec"]["podCIDR"] ==
        "10.0.7.0/24");
  refused(made("b", {{"podCIDRs", {"10.0.7.0"}}}), 422, "Invalid");
  refused(made("b", {{"podCIDRs", {"10.0.7.0/24", "10.0.8.0/24"}}}), 422, "Invalid");
  CHECK(made("b", Json::object()).status == 201);
  const auto patched = [&](const std::string& cidr) {
    const Json body = {{"spec", {{"podCIDR", cidr}, {"podCIDRs", Json::array({cidr})}}}};
    return fetch(*api, {.method = "PATCH",
                        .target = "/api/v1/nodes/b",
                        .body = body.dump(),
                        .content_type = "application/strategic-merge-patch+json"});
  };
  const Reply set = patched("10.0.8.0/24");
  CHECK(set.status == 200);
  CHECK(set.json()["spec"]["podCIDRs"] == Json{"10.0.8.0/24"});
  CHECK(patched("10.0.8.0/24").status == 200);
  refused(patched("10.0.9.0/24"), 422, "Invalid");
}

}  // namespace this_file
