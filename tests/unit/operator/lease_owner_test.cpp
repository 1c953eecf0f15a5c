#include "tools/operator/lease_owner.h"

#include <algorithm>

#include "agent/kube/base64.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

// As an API server signs it. The operator does not check the signature.
std::string token(const std::string& claims) {
  auto payload = to_base64(claims);
  std::replace(payload.begin(), payload.end(), '+', '-');
  std::replace(payload.begin(), payload.end(), '/', '_');
  payload.erase(payload.find_last_not_of('=') + 1);
  return "eyJhbGciOiJSUzI1NiJ9." + payload + ".c2lnbmF0dXJl";
}

const std::string kClaims =
    R"({"iss": "https://kubernetes.default.svc", "kubernetes.io": {"namespace": "kube-system",
        "pod": {"name": "pellicle-operator-x", "uid": "p"},
        "serviceaccount": {"name": "pellicle-operator", "uid": "8f2c?>~"}}})";

}  // namespace

TEST_CASE("the Lease belongs to the ServiceAccount of the pod's token") {
  const auto owner = lease_owner(token(kClaims), "kube-system");
  CHECK(owner.kind == "ServiceAccount");
  CHECK(owner.name == "pellicle-operator");
  CHECK(owner.uid == "8f2c?>~");
}

TEST_CASE("without a token that says it the Lease has no owner") {
  for (const auto& odd :
       {std::string(), std::string("opaque"), std::string("a.b"), std::string("a.!!.c"),
        token("{}"), token("[]"), token(R"({"kubernetes.io": {"namespace": "kube-system"}})")}) {
    CHECK(lease_owner(odd, "kube-system").name.empty());
  }
  CHECK(lease_owner(token(kClaims), "elsewhere").name.empty());
}

}  // namespace this_file
