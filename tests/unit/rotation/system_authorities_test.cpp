// A kubeconfig without a CA: the system's CAs count, including those that OpenSSL's variables name.
// Tested with the `pellicle` program, because a process reads these variables when it starts.
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/harness/shell_output.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

// The file name by which OpenSSL looks up this certificate in a directory.
std::string hashed_name(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
  char name[16];
  (void)std::snprintf(name, sizeof(name), "%08lx.0", X509_subject_name_hash(certificate.get()));
  return name;
}

// The output of `pellicle key rotate` for a cluster without a key. Ends the program if it hangs.
std::string rotated(const std::string& variables, const std::string& kubeconfig) {
  const std::string command = " timeout 60 " PELLICLE_CTL " key rotate --kubeconfig ";
  return shell_output(variables + command + kubeconfig).text;
}

}  // namespace

TEST_CASE(
    "without a certificate authority the system's are trusted, a file or a directory of them") {
  ApiFixture api;
  api.allow_token("good", "admin");
  const TemporaryDirectory directory;
  const auto path = [&](const std::string& name) { return directory.path() + "/" + name; };
  std::ofstream(path("ca.crt")) << api.ca_pem();
  std::ofstream(path(hashed_name(api.ca_pem()))) << api.ca_pem();
  std::ofstream(path("kubeconfig"))
      << "{clusters: [{name: c, cluster: {server: '" + api.url() +
             "'}}], "
             "users: [{name: u, user: {token: good}}], "
             "contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}\n";
  const auto file = "SSL_CERT_FILE=" + path("ca.crt");
  const auto folder = "SSL_CERT_DIR=" + directory.path();
  const std::string neither = "SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null";

  const auto refused = rotated(neither, path("kubeconfig"));
  CHECK_THAT(refused, Contains("the server's certificate is not trusted: "));
  CHECK(api.requests().empty());
  for (const auto& variables :
       {file + " SSL_CERT_DIR=/dev/null", "SSL_CERT_FILE=/dev/null " + folder}) {
    CAPTURE(variables);
    const auto said = rotated(variables, path("kubeconfig"));
    CHECK_THAT(said, !Contains("certificate"));
    CHECK_THAT(said, Contains("cilium-ipsec-keys"));
  }
}

TEST_CASE("with a certificate authority of the cluster's the system's are not even opened") {
  ApiFixture api;
  api.allow_token("good", "admin");
  const TemporaryDirectory directory;
  const auto never = directory.path() + "/never";  // open() blocks until there is a writer
  REQUIRE(mkfifo(never.c_str(), 0600) == 0);
  const auto kubeconfig = directory.path() + "/kubeconfig";
  std::ofstream(kubeconfig) << api::kubeconfig(api.url(), api.ca_pem(), "good");
  CHECK_THAT(rotated("SSL_CERT_FILE=" + never, kubeconfig), Contains("cilium-ipsec-keys"));
}

}  // namespace this_file
