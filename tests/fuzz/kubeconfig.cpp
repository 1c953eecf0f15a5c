// A kubeconfig file, and in-cluster access to the API.
#include <fstream>

#include "agent/kube/access.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/temporary_directory.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

void check(const ApiAccess& access) {
  expect(access.scheme_host_port.starts_with("https://"), "the API is asked over TLS");
  expect(access.port() >= 1 && access.port() <= 65535, "the port is one");
  expect(!access.host().empty(), "the host has a name");
  expect(access.client_certificate.empty() == access.client_key.empty(),
         "a certificate has its key");
}

// An error may name what is in the file, but never a credential.
constexpr std::string_view kToken = "s3cret";

std::string with_token(const std::string& user_fields) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
         "clusters: [{name: k, cluster: {server: 'https://h:1'}}]\n"
         "users: [{name: u, user: {token: " +
         std::string(kToken) + ", " + user_fields + "}}]\n";
}

void check_file(const std::string& text, bool has_token) {
  static const TemporaryDirectory directory;
  const auto file = directory.path() + "/config";
  std::ofstream(file, std::ios::binary) << text;
  try {
    check(kubeconfig_access(file));
  } catch (const AccessError& error) {
    const std::string_view sentence = error.what();
    expect(sentence.find(file) != std::string_view::npos, "a sentence names the file");
    expect(!has_token || sentence.find(kToken) == std::string_view::npos,
           "a sentence has no credential");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  check_file(text, false);
  check_file(with_token(text), text.find(kToken) == std::string::npos);
  std::string_view rest = text;
  const auto host = take_line(rest);
  const auto port = take_line(rest);
  try {
    ApiAccess access;
    override_server(access, host, port);
    if (!host.empty() || !port.empty()) check(access);
  } catch (const AccessError& error) {
    expect_one_line(error.what());
  }
  return 0;
}
