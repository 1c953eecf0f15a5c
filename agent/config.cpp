#include "agent/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "agent/config_values.h"
#include "agent/http/health_server.h"

namespace pellicle {

namespace {

using namespace config_values;

void add_cluster_options(CLI::App& app, Config& config) {
  app.add_option("--node-name", config.settings.node_name, "Name of this Node object")
      ->envname("K8S_NODE_NAME")
      ->check(not_empty)
      ->required();
  app.add_option("--kubeconfig", config.kubeconfig,
                 "How to reach the API server; without it, the pod's service account")
      ->check(absolute_path);
  app.add_option("--k8s-service-host", config.service_host, "API server's host");
  app.add_option("--k8s-service-port", config.service_port, "API server's port");
}

// As given on the command line, checked.
struct Cidrs {
  std::vector<std::string> strict;
  std::string native;
  std::string native6;
  std::vector<std::string> exceptions;
  std::vector<std::string> allowed;
  std::vector<std::string> node_addresses;
};

void add_datapath_options(CLI::App& app, Config& config, Cidrs& cidrs) {
  app.add_option("--uplink", config.settings.uplink,
                 "Device towards the other nodes; without it, the one with this Node's InternalIP")
      ->check(device_name);
  app.add_option(
         "--node-address-cidrs", cidrs.node_addresses,
         "Of a Node's several InternalIPs those in these networks count, in this order; the "
         "same on all nodes")
      ->delimiter(',')
      ->check(any_cidr);
  app.add_option_function<std::string>(
         "--auto-direct-node-routes",
         [&config](const std::string& value) { config.settings.direct_routes = value != "false"; },
         "Make a route to each node's pods, by the way that this node has to that node; false: "
         "others make them")
      ->check(CLI::IsMember({"auto", "true", "false"}))
      ->default_str("auto");
  app.add_option("--strict-cidr", cidrs.strict,
                 "Drop pod packets to this network that are for no known node; one of each family")
      ->delimiter(',')
      ->check(any_cidr);
  app.add_option_function<std::string>(
         "--strict-ingress",
         [&config](const std::string& value) {
           config.settings.strict_ingress =
               value == "observe" ? ClearText::is_observed : ClearText::is_dropped;
         },
         "What comes in the clear from an address whose node says that it encrypts: enforce drops "
         "it, observe counts it")
      ->check(CLI::IsMember({"enforce", "observe"}))
      ->default_str("enforce");
  app.add_option("--pod-mtu", config.settings.pod_mtu,
                 "MTU of the pods' default route; 0 is what fits the uplink after encryption")
      ->check(pod_mtu)
      ->capture_default_str();
  app.add_option("--netfilter", config.settings.netfilter,
                 "Install the rules that keep marked packets out of connection tracking")
      ->capture_default_str();
  app.add_option("--host-encryption", config.settings.host_encryption,
                 "Encrypt what is between pods and other nodes' own addresses as well")
      ->capture_default_str();
  app.add_option("--marked-policies", config.settings.marked_policies,
                 "Pair keys as version 0.1 has them: set it on all nodes before going back to that")
      ->capture_default_str();
  app.add_option("--ipv4-native-routing-cidr", cidrs.native,
                 "Masquerade what pods send beyond this network; without it, nothing")
      ->check(ipv4_cidr);
  app.add_option("--ipv6-native-routing-cidr", cidrs.native6, "The same for IPv6")
      ->check(ipv6_cidr);
  app.add_option("--masquerade-exceptions", cidrs.exceptions,
                 "Further networks that see the pods' own addresses")
      ->delimiter(',')
      ->check(any_cidr);
  app.add_option("--allowed-addresses", cidrs.allowed,
                 "Networks that a pod may send from when its annotation pellicle.io/"
                 "allowed-addresses asks for it; without it, pods send from their own addresses")
      ->delimiter(',')
      ->check(any_cidr);
  app.add_option("--allow-weak-algorithms", config.allow_weak_algorithms,
                 "Take keys for hmac(md5) and hmac(sha1) too")
      ->capture_default_str();
  app.add_option("--resync-seconds", config.resync_seconds,
                 "Interval of full comparisons; 0: 30 to 300, by what one costs")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
}

void add_key_options(CLI::App& app, Config& config) {
  app.add_option("--boot-id-file", config.boot_id_file,
                 "Tells this boot of the machine from others; for nodes that share a kernel")
      ->check(absolute_path)
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--key-rotation-duration",
         [&config](unsigned seconds) {
           config.key_rotation_duration = std::chrono::seconds(seconds);
         },
         "How long an older key stays after nobody needs it any more: seconds, or 90s, 5m, 1h")
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, unsigned>{{"s", 1}, {"m", 60}, {"h", 3600}}))
      ->check(CLI::Range(1, 86400))
      ->default_str("5m");
}

void add_cni_options(CLI::App& app, Config& config) {
  app.add_option("--cni-conf-dir", config.cni.conf_dir,
                 "Where the container runtime looks for configurations; empty installs nothing")
      ->check(empty_or_absolute_path)
      ->capture_default_str();
  app.add_option("--cni-bin-dir", config.cni.bin_dir, "Where it looks for plugins")
      ->check(absolute_path)
      ->capture_default_str();
  app.add_option("--cni-plugin", config.cni.plugin,
                 "The plugin to install there; without it, pellicle-cni beside this program")
      ->check(absolute_path);
  app.add_option("--cni-status-grace", config.cni.status_grace,
                 "How long the plugin's STATUS succeeds without an agent, after it was ready "
                 "(seconds; without it, 120)")
      ->check(CLI::Range(0, 3600));
  app.add_option(
         "--cni-chain", config.cni.chain,
         "Plugins called after ours, each only while it is in the plugins' folder; empty: none")
      ->delimiter(',')
      ->capture_default_str();
}

void add_process_options(CLI::App& app, Config& config) {
  app.add_option("--state-dir", config.state_dir, "What outlives the process, on a tmpfs")
      ->check(absolute_path)
      ->capture_default_str();
  app.add_option("--bpf-root", config.bpf_root, "Where maps are pinned, on a bpf file system")
      ->check(absolute_path)
      ->capture_default_str();
  app.add_option("--socket", config.socket, "Unix socket; without it, agent.sock in the state dir")
      ->check(absolute_path);
  app.add_option("--health-address", config.health_address,
                 "ADDRESS:PORT of /healthz, /readyz and /metrics; empty serves none")
      ->check([](const std::string& value) {
        return value.empty() ? "" : health_address_problem(value);
      })
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--cluster-health-interval",
         [&config](unsigned seconds) {
           config.cluster_health_interval = std::chrono::seconds(seconds);
         },
         "Seconds between two questions to another node, whether it can be reached; 0: no "
         "questions and no health endpoint")
      ->check(CLI::Range(0, 86400))
      ->default_str("30");
  app.add_option("--peer-metrics", config.peer_metrics,
                 "Metrics of every peer besides the sums: true, false or auto (up to 100 peers)")
      ->check(CLI::IsMember({"true", "false", "auto"}))
      ->capture_default_str();
  app.add_option("--log-level", config.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember(std::vector<std::string>(log::kLevels.begin(), log::kLevels.end())))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--log-format",
         [&config](const std::string& value) {
           config.log_format = value == "text" ? log::Format::text : log::Format::json;
         },
         "json or text")
      ->check(CLI::IsMember({"json", "text"}))
      ->default_str("json");
}

std::vector<Cidr> parsed(const std::vector<std::string>& texts) {
  std::vector<Cidr> networks;
  networks.reserve(texts.size());
  for (const auto& text : texts) networks.push_back(Cidr::parse(text).value());
  return networks;
}

void take(const Cidrs& cidrs, Settings& settings) {
  if (settings.host_encryption && !settings.netfilter) {
    throw CLI::ValidationError("--host-encryption",
                               "expected --netfilter with it: without its rules no answer of the "
                               "node to another node's pod is recognised");
  }
  for (const auto& strict : cidrs.strict) {
    const auto network = Cidr::parse(strict).value();
    if (settings.strict_cidr(network.family())) {
      throw CLI::ValidationError(
          "--strict-cidr", "expected one network of a family, found '" + strict + "' as well");
    }
    settings.strict_cidrs.push_back(network);
  }
  if (!cidrs.native.empty()) settings.native_cidr = Cidr::parse(cidrs.native);
  if (!cidrs.native6.empty()) settings.native_cidr6 = Cidr::parse(cidrs.native6);
  settings.allowed_addresses = parsed(cidrs.allowed);
  settings.masquerade_exceptions = parsed(cidrs.exceptions);
}

// Values as given on the command line, in the file or by a variable, else the default.
std::map<std::string, std::string> effective(const CLI::App& app) {
  std::map<std::string, std::string> all;
  for (const auto* option : app.get_options()) {
    const auto& names = option->get_lnames();
    if (names.empty() || option->get_items_expected_max() == 0 || names.front() == "config")
      continue;
    auto value =
        option->count() > 0 ? CLI::detail::join(option->results(), ",") : option->get_default_str();
    if (value.starts_with('[')) value = value.substr(1, value.size() - 2);  // a list's default
    if (option->get_type_name() == "BOOLEAN" && (value == "0" || value == "1")) {
      value = value == "1" ? "true" : "false";
    }
    all[names.front()] = value;
  }
  return all;
}

// CLI11's message does not say what could not be parsed.
std::string sentence(const CLI::Error& error) {
  std::string words = error.what();
  const std::string unknown = "INI was not able to parse ";
  if (!words.starts_with(unknown)) return words;
  return "the --config file has a setting that does not exist: " + words.substr(unknown.size());
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> arguments) {
  CommandLine line;
  Cidrs cidrs;
  CLI::App app("Encrypts pod traffic between Kubernetes nodes with the kernel's IPsec.",
               "pellicle-agent");
  app.set_version_flag("--version", "pellicle-agent " PELLICLE_VERSION);
  app.set_config("--config", "", "File of `name = value` lines with the names of these flags");
  app.allow_config_extras(CLI::config_extras_mode::error);
  add_cluster_options(app, line.config);
  add_datapath_options(app, line.config, cidrs);
  add_key_options(app, line.config);
  add_cni_options(app, line.config);
  add_process_options(app, line.config);

  std::reverse(arguments.begin(), arguments.end());  // CLI11 expects them in reverse order
  try {
    app.parse(arguments);
    std::erase(line.config.cni.chain, "");
    take(cidrs, line.config.settings);
    line.config.node_address_cidrs = parsed(cidrs.node_addresses);
    line.config.effective = effective(app);
  } catch (const CLI::CallForHelp&) {
    return {.config = {}, .run = false, .status = 0, .text = app.help()};
  } catch (const CLI::CallForVersion& version) {
    return {.config = {}, .run = false, .status = 0, .text = std::string(version.what()) + "\n"};
  } catch (const CLI::Error& error) {
    return {.config = {},
            .run = false,
            .status = 2,
            .text = "pellicle-agent: " + sentence(error) + "\n"};
  }
  return line;
}

}  // namespace pellicle
