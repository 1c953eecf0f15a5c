#include "tests/harness/api/seed.h"

#include "tests/harness/api/encoding.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::api;

TEST_CASE("the seed's Nodes say what the contract's topology says") {
  const Json worker = node_object(kSeedNodes[0]);
  CHECK(worker["metadata"]["name"] == "worker");
  CHECK(worker["spec"]["podCIDRs"] == Json{"10.0.1.0/24"});
  CHECK(worker["status"]["addresses"][0] ==
        Json{{"type", "InternalIP"}, {"address", "172.18.0.3"}});
  const char* const annotation = "network.cilium.io/ipv4-cilium-host";
  CHECK(worker["metadata"]["annotations"][annotation] == "10.0.1.138");
  CHECK_FALSE(node_object(kSeedNodes[0], false)["metadata"]["annotations"].contains(annotation));
  CHECK_FALSE(worker["spec"].contains("taints"));
  CHECK(node_object(kSeedNodes[2])["spec"].contains("taints"));
}

TEST_CASE("base64 there and back") {
  for (const std::string text : {"", "a", "ab", "abc", "abcd", "\xff\x01\x02\x03\x04"})
    CHECK(from_base64(base64(text)) == text);
  CHECK(base64("ab") == "YWI=");
  CHECK_FALSE(from_base64("YWI"));
  CHECK_FALSE(from_base64("Y!I="));
}

TEST_CASE("percent-encoding is undone, where it is any") {
  CHECK(percent_decoded("metadata.name%3Da%2Fb+c", true) == "metadata.name=a/b c");
  CHECK(percent_decoded("a+b%", false) == "a+b%");
  CHECK(percent_decoded("%zz", true) == "%zz");
}

TEST_CASE("a kubeconfig carries the server, its CA and the user") {
  const ApiFixture api;
  const std::string text = kubeconfig(api.url(), api.ca_pem(), "the-token");
  CHECK(text.find("server: " + api.url() + "\n") != std::string::npos);
  CHECK(text.find("certificate-authority-data: " + base64(api.ca_pem()) + "\n") !=
        std::string::npos);
  CHECK(text.find("token: the-token\n") != std::string::npos);
  const Certificate user = api.client_certificate("admin");
  CHECK(kubeconfig(api.url(), api.ca_pem(), user)
            .find("client-certificate-data: " + base64(user.certificate_pem)) != std::string::npos);
}

}  // namespace this_file
