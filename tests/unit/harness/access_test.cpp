// TLS, authentication and authorization.
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kNodes = "/api/v1/nodes";

int status_of(const ApiFixture& api, const Ask& ask) {
  return fetch(api, ask).status;
}

}  // namespace

TEST_CASE("a token is good until it is revoked") {
  const auto api = seeded();
  CHECK(status_of(*api, {.target = kNodes}) == 200);
  CHECK(status_of(*api, {.target = kNodes, .token = "another"}) == 401);
  api->allow_token("another", "someone");
  api->revoke_token(kToken);
  CHECK(status_of(*api, {.target = kNodes}) == 401);
  CHECK(status_of(*api, {.target = kNodes, .token = "another"}) == 200);
  CHECK(api->requests().back().user == "someone");
}

TEST_CASE("a bad token is answered as a kube-apiserver does") {
  const auto api = seeded();
  const Reply reply = fetch(*api, {.target = kNodes, .token = "another"});
  CHECK(reply.status == 401);
  CHECK(reply.json() == Json::parse(R"({"kind":"Status","apiVersion":"v1","metadata":{},
      "status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401})"));
}

TEST_CASE("without a token one may see the version and the health, nothing else") {
  const auto api = seeded();
  CHECK(status_of(*api, {.target = "/version", .token = ""}) == 200);
  CHECK(status_of(*api, {.target = "/readyz", .token = ""}) == 200);
  CHECK(status_of(*api, {.target = "/api", .token = ""}) == 403);
  const Reply reply = fetch(*api, {.target = kNodes, .token = ""});
  CHECK(reply.status == 403);
  CHECK(reply.json()["message"] ==
        "nodes is forbidden: User \"system:anonymous\" cannot list resource \"nodes\" in API group "
        "\"\" at the cluster scope");
}

TEST_CASE("a verb on a resource can be forbidden to a user, and permitted again") {
  const auto api = seeded();
  const Ask patch_status{.method = "PATCH",
                         .target = kNodes + "/worker/status",
                         .body = "{}",
                         .content_type = "application/merge-patch+json"};
  const std::string secrets = "/api/v1/namespaces/kube-system/secrets";
  api->forbid(kUser, "patch", "nodes/status");
  api->forbid(kUser, "list", "secrets");
  api->forbid("someone else", "*", "*");
  CHECK(status_of(*api, {.target = kNodes}) == 200);
  CHECK(status_of(*api, patch_status) == 403);
  Ask patch_node = patch_status;
  patch_node.target = kNodes + "/worker";
  CHECK(status_of(*api, patch_node) == 200);
  const Reply reply = fetch(*api, {.target = secrets});
  CHECK(reply.status == 403);
  CHECK(reply.json()["message"] == "secrets is forbidden: User \"" + std::string(kUser) +
                                       "\" cannot list resource \"secrets\" in API group \"\" in "
                                       "the namespace \"kube-system\"");
  CHECK(status_of(*api, {.target = secrets + "/cilium-ipsec-keys"}) == 200);
  api->permit(kUser, "patch", "nodes/status");
  CHECK(status_of(*api, patch_status) == 200);
  api->forbid(kUser, "*", "nodes");
  CHECK(status_of(*api, {.target = kNodes}) == 403);
  CHECK(status_of(*api, {.target = kNodes + "?watch=1"}) == 403);
}

TEST_CASE("a client certificate is a user too") {
  const auto api = seeded();
  const auto status_with = [&](const api::Certificate& certificate) {
    Exchange exchange(*api, {.target = kNodes, .token = ""}, certificate);
    REQUIRE(exchange.wait_for_end() == Ending::complete);
    return exchange.reply().status;
  };
  CHECK(status_with(api->client_certificate("admin")) == 200);
  CHECK(api->requests().back().user == "admin");
  const ApiFixture other;
  CHECK(status_with(other.client_certificate("admin")) == 401);
  api->forbid("admin", "list", "nodes");
  CHECK(status_with(api->client_certificate("admin")) == 403);
}

TEST_CASE("the server is known by its own CA only, and by its names") {
  const auto api = seeded();
  CHECK(status_of(*api, {.target = "/version"}) == 200);  // the client checks the server's address
  CHECK(api->url() == "https://127.0.0.1:" + std::to_string(api->port()));
  const ApiFixture other;
  CHECK(other.ca_pem() != api->ca_pem());
  CHECK(other.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
}

}  // namespace this_file
