// `pellicle`: what an engineer asks the agent of this node.
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "tools/ctl/agent_socket.h"
#include "tools/ctl/cleanup.h"
#include "tools/ctl/confirmation.h"
#include "tools/ctl/encrypt.h"
#include "tools/ctl/endpoint_text.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/key_rotate.h"
#include "tools/ctl/node_text.h"
#include "tools/ctl/status_text.h"
#include "tools/ctl/sysdump.h"

namespace {

using namespace pellicle;
using namespace pellicle::ctl;

struct Options {
  std::string socket = "/var/run/pellicle/agent.sock";
  std::string output = "text";
  bool verbose = false;
  bool force = false;
  std::optional<uint32_t> spi;
  bool stale = false;
  bool wireshark = false;  // the one form of export there is
  std::string kubeconfig;
  RotateOptions rotate;
  std::string archive;
  std::vector<std::string> files;
  CleanupOptions cleanup{.state_dir = "/var/run/pellicle", .bpf_root = "/sys/fs/bpf/pellicle"};
};

bool colour_wanted() {
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

int show_status(const Options& options) {
  const auto status = ask(options.socket, "status");
  const auto screen = status_text(status, colour_wanted(), options.verbose);
  if (options.output == "json") {
    std::cout << status.dump(2) << "\n";
  } else {
    std::cout << screen.text;
  }
  return screen.healthy ? kOk : kDegraded;
}

int list_endpoints(const Options& options) {
  const auto endpoints = ask(options.socket, "pod-list");
  std::cout << (options.output == "json" ? endpoints.dump(2) + "\n" : endpoint_text(endpoints));
  return kOk;
}

int list_nodes(const Options& options) {
  const auto status = ask(options.socket, "status");
  std::cout << (options.output == "json" ? node_json(status).dump(2) + "\n" : node_text(status));
  return kOk;
}

int show_config(const Options& options) {
  const auto config = ask(options.socket, "config");
  if (options.output == "json") {
    std::cout << config.dump(2) << "\n";
  } else {
    for (const auto& [name, value] : config.items()) {
      const auto text = value.get<std::string>();
      std::cout << name << " = " << (text.empty() ? "\"\"" : text) << "\n";
    }
  }
  return kOk;
}

int show_diff(const Options& options) {
  const auto diff = ask(options.socket, "diff");
  const auto& operations = diff["operations"];
  if (options.output == "json") {
    std::cout << diff.dump(2) << "\n";
  } else {
    for (const auto& operation : operations) std::cout << operation.get<std::string>() << "\n";
    if (operations.empty()) std::cout << "nothing to do: the kernel is as desired\n";
  }
  return operations.empty() ? kOk : kDegraded;
}

bool answers(const std::string& socket) {
  try {
    ask(socket, "status");
    return true;
  } catch (const Silent&) {
    return true;
  } catch (const Unreachable&) {
    return false;
  } catch (const Refused&) {
    return true;
  }
}

// On the socket that was named, or on the one that an agent with this state directory has.
bool agent_is_running(const Options& options) {
  return answers(options.socket) || answers(options.cleanup.state_dir + "/agent.sock");
}

int clean_up(const Options& options) {
  if (!options.cleanup.dry_run) {
    if (agent_is_running(options)) {
      std::cerr << "pellicle: the agent is running and would put everything back; stop it first\n";
      return kUsage;
    }
    const char* question = "This takes the encrypted datapath and the pods' devices off this node.";
    if (!options.force && !confirmed("cleanup", question)) return kUsage;
  }
  const auto result = cleanup(options.cleanup);
  for (const auto& line : result.removed) std::cout << line << "\n";
  for (const auto& line : result.failures) std::cerr << "pellicle: still there: " << line << "\n";
  if (result.removed.empty()) std::cout << "nothing of Pellicle's is on this node\n";
  return result.failures.empty() ? kOk : kDegraded;
}

int dump_system(const Options& options) {
  const auto parts = sysdump_parts({.archive = options.archive,
                                    .socket = options.socket,
                                    .state_dir = options.cleanup.state_dir,
                                    .bpf_root = options.cleanup.bpf_root,
                                    .files = options.files});
  write_sysdump(parts, options.archive);
  if (options.archive != "-") std::cout << options.archive << "\n";
  return kOk;
}

EncryptOptions encrypt_options(const Options& options) {
  return {.socket = options.socket,
          .json = options.output == "json",
          .verbose = options.verbose,
          .spi = options.spi,
          .stale = options.stale,
          .force = options.force};
}

void add_encrypt_commands(CLI::App& app, Options& options, int& status) {
  auto* encrypt = app.add_subcommand("encrypt", "The ESP states of this node");
  encrypt->require_subcommand(1);
  auto* show = encrypt->add_subcommand(
      "status", "Keys and sequence numbers in use, errors, and every peer's traffic");
  show->add_flag("-v,--verbose", options.verbose, "Every peer");
  show->callback([&] { status = show_encryption(encrypt_options(options)); });

  auto* flush = encrypt->add_subcommand(
      "flush", "Removes ESP states of Pellicle's; a running agent makes what is desired anew");
  flush->add_option("--spi", options.spi, "Only those with this SPI: 3, 0x10a00283");
  flush->add_flag("--stale", options.stale, "Only those that no Node accounts for");
  flush->add_flag("-f,--force", options.force, "Do not ask");
  flush->callback([&] { status = flush_encryption(encrypt_options(options)); });

  auto* keys = encrypt->add_subcommand("export", "Shows the keys of the ESP states, to root");
  keys->add_flag("--wireshark", options.wireshark, "As lines of Wireshark's esp_sa file")
      ->required();
  keys->add_flag("-f,--force", options.force, "Do not ask, and write to any file or pipe");
  keys->callback([&] { status = export_for_wireshark(encrypt_options(options)); });
}

void add_key_commands(CLI::App& app, Options& options, int& status) {
  auto* key = app.add_subcommand("key", "The cluster's key, Secret kube-system/cilium-ipsec-keys");
  key->require_subcommand(1);
  auto* rotate = key->add_subcommand(
      "rotate", "Writes a new random key with the next id, and waits until every node has it");
  auto& wishes = options.rotate.wishes;
  rotate->add_option("--kubeconfig", options.kubeconfig,
                     "How to reach the API; without it, $KUBECONFIG, this pod's service account, "
                     "or ~/.kube/config");
  auto* pair = rotate->add_flag_callback(
      "--pair", [&wishes] { wishes.per_pair = true; }, "From now on one key per pair of nodes");
  rotate
      ->add_flag_callback(
          "--plain", [&wishes] { wishes.per_pair = false; }, "From now on one key for all nodes")
      ->excludes(pair);
  rotate->add_option("--algorithm", wishes.algorithm, "Another one than that of the key before it")
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
  rotate->callback([&] {
    status = rotate_key(caller_access(options.kubeconfig), options.rotate, std::cout, std::cerr);
  });
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Asks the Pellicle agent of this node.", "pellicle");
  app.set_version_flag("--version", "pellicle " PELLICLE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--socket", options.socket, "The agent's unix socket")
      ->envname("PELLICLE_SOCKET")
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();

  int status = kOk;
  auto* status_command = app.add_subcommand("status", "What is programmed, for whom, what failed");
  status_command->add_flag("-v,--verbose", options.verbose, "Every peer, and counts by table");
  status_command->callback([&] { status = show_status(options); });

  auto* diff_command =
      app.add_subcommand("diff", "What the next pass would change; changes nothing");
  diff_command->callback([&] { status = show_diff(options); });

  auto* endpoint_command = app.add_subcommand("endpoint", "The pods of this node");
  endpoint_command->require_subcommand(1);
  auto* list_command =
      endpoint_command->add_subcommand("list", "Name, addresses, device and container of each");
  list_command->callback([&] { status = list_endpoints(options); });

  auto* node_command =
      app.add_subcommand("node", "The nodes of the cluster, as this one knows them");
  node_command->require_subcommand(1);
  node_command
      ->add_subcommand("list", "PodCIDR, addresses and key of each, and what is done with it")
      ->callback([&] { status = list_nodes(options); });

  app.add_subcommand("config", "The settings that the agent runs with, defaults among them")
      ->callback([&] { status = show_config(options); });

  add_encrypt_commands(app, options, status);
  add_key_commands(app, options, status);

  auto* cleanup_command = app.add_subcommand("cleanup", "Removes everything of Pellicle's");
  cleanup_command->add_option("--state-dir", options.cleanup.state_dir)->capture_default_str();
  cleanup_command->add_option("--bpf-root", options.cleanup.bpf_root)->capture_default_str();
  cleanup_command->add_option("--cni-conf-dir", options.cleanup.cni.conf_dir)
      ->capture_default_str();
  cleanup_command->add_option("--cni-bin-dir", options.cleanup.cni.bin_dir)->capture_default_str();
  cleanup_command->add_flag("--keep-pods", options.cleanup.keep_pods, "Leave the pods' devices");
  cleanup_command->add_flag("--dry-run", options.cleanup.dry_run, "Only list what would go");
  cleanup_command->add_flag("-f,--force", options.force, "Do not ask");
  cleanup_command->callback([&] { status = clean_up(options); });

  auto* dump_command =
      app.add_subcommand("sysdump", "Everything about this node in one archive, without keys");
  dump_command
      ->add_option("archive", options.archive, "File to write (.tar.gz); - is standard output")
      ->required();
  dump_command->add_option("--add", options.files, "A file to take in, such as a log");
  dump_command->add_option("--state-dir", options.cleanup.state_dir)->capture_default_str();
  dump_command->add_option("--bpf-root", options.cleanup.bpf_root)->capture_default_str();
  dump_command->callback([&] { status = dump_system(options); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  // Some of what it does has keys in memory: no core dump may show one.
  prctl(PR_SET_DUMPABLE, 0);
  try {
    return run(argc, argv);
  } catch (const Unreachable& error) {
    std::cerr << "pellicle: " << error.what() << "\n";
    return kUnreachable;
  } catch (const std::exception& error) {
    std::cerr << "pellicle: " << error.what() << "\n";
    return kDegraded;
  }
}
