// Serves the seed's objects until interrupted, for use with kubectl and curl:
//   pellicle-test-api --kubeconfig-out /tmp/kubeconfig &
//   kubectl --kubeconfig /tmp/kubeconfig get nodes -w
#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"

namespace {

struct Options {
  std::string listen = "127.0.0.1";
  uint16_t port = 0;
  std::string token = "test";
  std::string ca_out;
  std::string kubeconfig_out;
  std::string key_line = pellicle::api::kSeedKeyLine;
};

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text) || !file.flush()) throw std::runtime_error("cannot write " + path);
}

void serve(const Options& options, const sigset_t& endings) {
  namespace api = pellicle::api;
  pellicle::ApiFixture fixture(options.listen, options.port);
  fixture.allow_token(options.token, "test-user");
  for (const api::SeedNode& node : api::kSeedNodes) fixture.create(api::node_object(node));
  fixture.create(api::key_secret(options.key_line));
  if (!options.ca_out.empty()) write_file(options.ca_out, fixture.ca_pem());
  if (!options.kubeconfig_out.empty())
    write_file(options.kubeconfig_out,
               api::kubeconfig(fixture.url(), fixture.ca_pem(), options.token));
  std::cout << "serving " << fixture.url() << std::endl;
  int signal = 0;
  sigwait(&endings, &signal);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A Kubernetes API with the seed's three Nodes and the key Secret.");
  app.add_option("--listen", options.listen, "address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "port; 0 for any")->capture_default_str();
  app.add_option("--token", options.token, "the bearer token that is accepted")
      ->capture_default_str();
  app.add_option("--ca-out", options.ca_out, "file to write the CA certificate to");
  app.add_option("--kubeconfig-out", options.kubeconfig_out, "file to write a kubeconfig to");
  app.add_option("--key-line", options.key_line,
                 "what the Secret kube-system/cilium-ipsec-keys says");
  CLI11_PARSE(app, argc, argv);

  // Before any thread starts, so that no thread takes the signal.
  sigset_t endings;
  sigemptyset(&endings);
  sigaddset(&endings, SIGINT);
  sigaddset(&endings, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &endings, nullptr);
  try {
    serve(options, endings);
  } catch (const std::exception& error) {
    std::cerr << "pellicle-test-api: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
