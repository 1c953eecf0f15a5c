#include <fstream>

#include "agent/kube/access.h"
#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

template <class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const AccessError& error) {
    return error.what();
  }
  return "";
}

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: lab\n"
         "contexts:\n- name: other\n  context: {cluster: x, user: y}\n"
         "- name: lab\n  context: {cluster: kind, user: agent}\n"
         "clusters:\n- name: kind\n  cluster: " +
         cluster + "\nusers:\n- name: agent\n  user: " + user + "\n";
}

}  // namespace

TEST_CASE("in a pod the service account says how to reach the API") {
  TemporaryDirectory directory;
  write(directory.path() + "/token", "t0k3n\n");
  write(directory.path() + "/ca.crt", "PEM");
  const auto access = in_cluster_access("10.96.0.1", "443", directory.path());
  CHECK(access.scheme_host_port == "https://10.96.0.1:443");
  CHECK(access.host() == "10.96.0.1");
  CHECK(access.port() == 443);
  CHECK(access.token_file == directory.path() + "/token");
  CHECK(access.ca.read() == "PEM");
  const auto v6 = in_cluster_access("fd00:10:96::1", "6443", directory.path());
  CHECK(v6.scheme_host_port == "https://[fd00:10:96::1]:6443");
  CHECK(v6.host() == "fd00:10:96::1");
  CHECK(v6.port() == 6443);
}

TEST_CASE("what is missing in a pod is named") {
  TemporaryDirectory directory;
  const auto error = [&](const char* host, const char* port) {
    return error_of([&] { (void)in_cluster_access(host, port, directory.path()); });
  };
  CHECK(error("", "").find("KUBERNETES_SERVICE_HOST") == 0);
  CHECK(error("10.96.0.1", "99999").find("a number from 1 to 65535") != std::string::npos);
  CHECK(error("10.96.0.1/x", "443").find("no valid host name") != std::string::npos);
  CHECK(error("10.96.0.1", "443") == "cannot read " + directory.path() + "/token, or it is empty");
  write(directory.path() + "/token", "t");
  CHECK(error("10.96.0.1", "443") == "cannot read " + directory.path() + "/ca.crt, or it is empty");
}

TEST_CASE("the configured host and port win") {
  ApiAccess access{.scheme_host_port = "https://10.96.0.1:443"};
  override_server(access, "", "");
  CHECK(access.scheme_host_port == "https://10.96.0.1:443");
  override_server(access, "172.18.0.2", "6443");
  CHECK(access.scheme_host_port == "https://172.18.0.2:6443");
  override_server(access, "", "7443");
  CHECK(access.scheme_host_port == "https://172.18.0.2:7443");
  override_server(access, "fd00::2", "");
  CHECK(access.scheme_host_port == "https://[fd00::2]:7443");
  CHECK(error_of([&] { override_server(access, "h", "x"); }).find("k8sServiceHost") == 0);
}

TEST_CASE("a kubeconfig's current context is used, files relative to it") {
  TemporaryDirectory directory;
  const auto file = directory.path() + "/config";
  write(directory.path() + "/ca.pem", "CA");
  write(file, kubeconfig("{server: 'https://api.example:6443/', certificate-authority: ca.pem, "
                         "tls-server-name: kubernetes}",
                         "{token: abc}"));
  const auto access = kubeconfig_access(file);
  CHECK(access.scheme_host_port == "https://api.example:6443");
  CHECK(access.ca.read() == "CA");
  CHECK(access.tls_server_name == "kubernetes");
  CHECK(access.token == "abc");
  CHECK_FALSE(access.skip_tls_verify);

  write(file, kubeconfig("{server: 'https://[fd00::1]', certificate-authority-data: Q0E=, "
                         "insecure-skip-tls-verify: true}",
                         "{client-certificate-data: Q1JU, client-key: key.pem, tokenFile: t}"));
  const auto other = kubeconfig_access(file);
  CHECK(other.scheme_host_port == "https://[fd00::1]:443");
  CHECK(other.ca.text == "CA");
  CHECK(other.skip_tls_verify);
  CHECK(other.client_certificate.text == "CRT");
  CHECK(other.client_key.file == directory.path() + "/key.pem");
  CHECK(other.token_file == directory.path() + "/t");
}

TEST_CASE("each fault of a kubeconfig is one sentence with file and field, and no secret") {
  TemporaryDirectory directory;
  const auto file = directory.path() + "/config";
  const auto error = [&](const std::string& text) {
    write(file, text);
    auto sentence = error_of([&] { (void)kubeconfig_access(file); });
    CHECK(sentence.find(file) != std::string::npos);
    CHECK(sentence.find("s3cret") == std::string::npos);
    return sentence;
  };
  const auto says = [&](const std::string& text, const std::string& part) {
    const auto sentence = error(text);
    INFO(sentence);
    CHECK(sentence.find(part) != std::string::npos);
  };
  const std::string good = "{server: 'https://h:1'}";
  CHECK(error_of([&] { (void)kubeconfig_access(directory.path() + "/none"); }) ==
        "cannot read the kubeconfig file " + directory.path() + "/none");
  says("a: [s3cret", "is not YAML: line");
  says("s3cret", "is not a kubeconfig file");
  says("clusters: []", "current-context is not set");
  says("current-context: lab", "contexts has no entry named lab");
  says(kubeconfig("{}", "{}"), "cluster kind: server must begin with https://");
  says(kubeconfig("{server: 'http://h:1'}", "{}"), "cluster kind: server must begin with https://");
  says(kubeconfig("{server: 'https://h:x'}", "{}"), "cluster kind: server must be https://");
  says(kubeconfig("{server: 'https://h:1/path'}", "{}"), "server must not have a path");
  says(kubeconfig("{server: [1]}", "{}"), "cluster kind: server must be a string");
  says(kubeconfig("{server: 'https://h:1', certificate-authority-data: '*'}", "{}"),
       "cluster kind: certificate-authority-data is not base64");
  says(kubeconfig("{server: 'https://h:1', insecure-skip-tls-verify: maybe}", "{}"),
       "must be true or false");
  says(kubeconfig(good, "{exec: {command: s3cret}}"),
       "user agent: exec is not supported: the agent runs no credential plugins");
  says(kubeconfig(good, "{auth-provider: {name: gcp}}"), "auth-provider is not supported");
  says(kubeconfig(good, "{username: u, password: s3cret}"), "username is not supported");
  says(kubeconfig(good, "{client-certificate: c}"), "must be given together");
}

}  // namespace this_file
