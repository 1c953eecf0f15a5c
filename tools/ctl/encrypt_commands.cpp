#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "tools/ctl/commands.h"
#include "tools/ctl/encrypt.h"

namespace pellicle::ctl {

namespace {

EncryptOptions encrypt_options(const Options& options) {
  return {.socket = options.socket,
          .json = options.output == "json",
          .verbose = options.verbose,
          .spi = options.spi,
          .stale = options.stale,
          .force = options.force};
}

}  // namespace

void add_encrypt_commands(CLI::App& app, Options& options, int& status) {
  auto* encrypt = app.add_subcommand("encrypt", "The ESP states of this node");
  encrypt->require_subcommand(1);
  auto* show = encrypt->add_subcommand(
      "status", "Keys and sequence numbers in use, errors, and every peer's traffic");
  show->add_flag("-v,--verbose", options.verbose, "Every peer");
  show->callback([&options, &status] { status = show_encryption(encrypt_options(options)); });

  auto* flush = encrypt->add_subcommand(
      "flush", "Removes ESP states of Pellicle's; a running agent makes what is desired anew");
  flush->add_option("--spi", options.spi, "Only those with this SPI: 3, 0x10a00283");
  flush->add_flag("--stale", options.stale, "Only those that no Node accounts for");
  flush->add_flag("-f,--force", options.force, "Do not ask");
  flush->callback([&options, &status] { status = flush_encryption(encrypt_options(options)); });

  auto* keys = encrypt->add_subcommand("export", "Shows the keys of the ESP states, to root");
  keys->add_flag("--wireshark", options.wireshark, "As lines of Wireshark's esp_sa file")
      ->required();
  keys->add_flag("-f,--force", options.force, "Do not ask, and write to any file or pipe");
  keys->callback([&options, &status] { status = export_for_wireshark(encrypt_options(options)); });
}

void add_key_commands(CLI::App& app, Options& options, int& status) {
  auto* key = app.add_subcommand("key", "The cluster's key, Secret kube-system/cilium-ipsec-keys");
  key->require_subcommand(1);
  auto* rotate = key->add_subcommand(
      "rotate", "Writes a new random key with the next id, and waits until every node has it");
  auto& wishes = options.rotate.wishes;
  rotate
      ->add_option("--kubeconfig", options.kubeconfig,
                   "How to reach the API; without it, $KUBECONFIG, this pod's service account, "
                   "or ~/.kube/config")
      ->type_name("FILE");
  auto* pair = rotate->add_flag_callback(
      "--pair", [&wishes] { wishes.per_pair = true; }, "From now on one key per pair of nodes");
  rotate
      ->add_flag_callback(
          "--plain", [&wishes] { wishes.per_pair = false; }, "From now on one key for all nodes")
      ->excludes(pair);
  rotate
      ->add_option("--algorithm", wishes.algorithm,
                   "Another one than that of the key before it; the first key: aes-gcm-256")
      ->check(CLI::IsMember(algorithm_names()));
  rotate->add_option("--icv", wishes.icv_bits, "Bits of the AES-GCM integrity value")
      ->check(CLI::IsMember({96, 128}));
  rotate->add_flag("--create", wishes.create,
                   "Make the Secret where there is none; one that is there is left alone");
  rotate->add_flag("-f,--force", wishes.force, "Though the rotation before is still under way");
  rotate->add_flag("!--no-wait", options.rotate.wait, "Do not wait for the nodes");
  rotate
      ->add_option_function<unsigned>(
          "--timeout",
          [&options](unsigned seconds) { options.rotate.limit = std::chrono::seconds(seconds); },
          "Seconds for all of it")
      ->check(CLI::Range(1, 86400))
      ->default_str("300");
  rotate->callback([&options, &status] {
    status = rotate_key(caller_access(options.kubeconfig), options.rotate, std::cout, std::cerr);
  });
}

}  // namespace pellicle::ctl
