#include "tools/operator/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "agent/http/health_server.h"

namespace pellicle {

namespace {

// Values as given.
struct Given {
  std::vector<std::string> ipv4;
  std::vector<std::string> ipv6;
  unsigned ipv4_mask = 24;  // default of Cilium's operator
  unsigned ipv6_mask = 120;
  std::vector<std::string> reserved;
  double lease = 15;
  double renew = 10;
  double retry = 2;
  double look = 30;
};

void add_pool_options(CLI::App& app, Given& given) {
  app.add_option("--cluster-pool-ipv4-cidr", given.ipv4, "Networks that IPv4 PodCIDRs are cut from")
      ->delimiter(',');
  app.add_option("--cluster-pool-ipv4-mask-size", given.ipv4_mask, "Length of each IPv4 PodCIDR")
      ->capture_default_str();
  app.add_option("--cluster-pool-ipv6-cidr", given.ipv6, "Networks that IPv6 PodCIDRs are cut from")
      ->delimiter(',');
  app.add_option("--cluster-pool-ipv6-mask-size", given.ipv6_mask, "Length of each IPv6 PodCIDR")
      ->capture_default_str();
  app.add_option("--reserved-cidr", given.reserved,
                 "Networks that no PodCIDR may overlap, such as that of the cluster's Services")
      ->delimiter(',');
}

void add_process_options(CLI::App& app, OperatorOptions& options) {
  app.add_option("--kubeconfig", options.kubeconfig,
                 "How to reach the API server; without it, the pod's service account");
  app.add_option("--k8s-service-host", options.service_host, "API server's host");
  app.add_option("--k8s-service-port", options.service_port, "API server's port");
  app.add_option("--health-address", options.health_address,
                 "ADDRESS:PORT of /healthz, /readyz and /metrics")
      ->check(health_address_problem)
      ->capture_default_str();
  app.add_option(
      "--await-daemonset", options.await,
      "NAMESPACE/NAME: wait until this DaemonSet is ready everywhere, and do nothing else");
  app.add_option("--await-limit", options.await_limit, "Seconds to wait for it")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--log-format",
         [&options](const std::string& value) {
           options.log_format = value == "text" ? log::Format::text : log::Format::json;
         },
         "json or text")
      ->check(CLI::IsMember({"json", "text"}));
}

void add_key_options(CLI::App& app, OperatorOptions& options, Given& given) {
  app.add_option_function<unsigned>(
         "--rotate-every",
         [&options](unsigned seconds) { options.key_policy.every = std::chrono::seconds(seconds); },
         "Replace the key when it is this old: 720h, 30d; without it keys stay")
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, unsigned>{{"h", 3600}, {"d", 86400}}))
      ->check(CLI::Range(3600U, 3650U * 86400U));
  app.add_option("--rotate-at-sequence", options.key_policy.at_sequence,
                 "And when this many percent of its sequence numbers for a peer are used")
      ->check(CLI::Range(10, 90));
  app.add_option("--rotate-look-period", given.look, "Seconds between two looks at the key's age")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
}

void add_taint_options(CLI::App& app, OperatorOptions& options) {
  app.add_option("--remove-node-taints", options.taint_policy.remove,
                 "Take the taint node.cilium.io/agent-not-ready off Nodes whose agent is ready")
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--set-node-taints-after",
         [&options](unsigned seconds) {
           options.taint_policy.put_after = std::chrono::seconds(seconds);
         },
         "Put it on Nodes whose agent has not been ready for so long: 300s, 5m, 1h; without it "
         "never")
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, unsigned>{{"s", 1}, {"m", 60}, {"h", 3600}}))
      ->check(CLI::Range(60U, 86400U));
}

void add_election_options(CLI::App& app, OperatorOptions& options, Given& given) {
  app.add_option("--lease-name", options.election.name, "Lease that the acting replica holds")
      ->capture_default_str();
  app.add_option("--lease-namespace", options.election.space,
                 "Its namespace, and that of the agents' pods")
      ->capture_default_str();
  app.add_option("--lease-duration", given.lease,
                 "Seconds that an unrenewed Lease is respected for")
      ->capture_default_str();
  app.add_option("--lease-renew-deadline", given.renew,
                 "Seconds after which an acting replica that cannot renew stops to act")
      ->capture_default_str();
  app.add_option("--lease-retry-period", given.retry, "Seconds between two attempts")
      ->capture_default_str();
}

Cidr network(const char* option, const std::string& text, std::optional<Family> family) {
  const auto cidr = Cidr::parse(text);
  if (cidr && (!family || cidr->family() == *family)) return *cidr;
  throw CLI::ValidationError(std::string(option) + ": expected " +
                             (family ? std::string("an ") + family_name(*family) : "a") +
                             " network without host bits, found '" + text + "'");
}

void add_pools(const char* option, const std::vector<std::string>& texts, unsigned mask,
               Family family, std::vector<CidrPool>& pools) {
  for (const auto& text : texts) {
    const auto whole = network(option, text, family);
    const auto pool = CidrPool::split(whole, mask);
    if (!pool) {
      throw CLI::ValidationError(std::string(option) + ": " + text +
                                 " cannot be split into PodCIDRs of length " +
                                 std::to_string(mask));
    }
    for (const auto& other : pools) {
      if (other.network().overlaps(whole)) {
        throw CLI::ValidationError(std::string(option) + ": " + text + " overlaps " +
                                   other.network().to_string());
      }
    }
    pools.push_back(*pool);
  }
}

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<int64_t>(seconds * 1000));
}

// Same constraints as client-go.
void take_election(const Given& given, ElectionSettings& election) {
  if (given.retry <= 0 || given.renew <= 1.2 * given.retry || given.lease <= given.renew) {
    throw CLI::ValidationError(
        "--lease-duration must be longer than --lease-renew-deadline, and that longer than 1.2 "
        "times --lease-retry-period");
  }
  election.lease = milliseconds(given.lease);
  election.renew_deadline = milliseconds(given.renew);
  election.retry_period = milliseconds(given.retry);
}

void take(const Given& given, OperatorOptions& options) {
  add_pools("--cluster-pool-ipv4-cidr", given.ipv4, given.ipv4_mask, Family::v4, options.pools);
  add_pools("--cluster-pool-ipv6-cidr", given.ipv6, given.ipv6_mask, Family::v6, options.pools);
  if (options.pools.empty() && options.await.empty() && !options.key_policy.on() &&
      !options.taint_policy.on()) {
    throw CLI::ValidationError(
        "--cluster-pool-ipv4-cidr or --cluster-pool-ipv6-cidr is needed: there is nothing to "
        "allocate from, no key to replace and no taint to change");
  }
  for (const auto& text : given.reserved) {
    options.reserved.push_back(network("--reserved-cidr", text, std::nullopt));
  }
  take_election(given, options.election);
  options.key_look_period = milliseconds(given.look);
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  options.host = host;
  options.election.identity =
      options.host + "_" + boost::uuids::to_string(boost::uuids::random_generator()());
}

}  // namespace

OperatorCommandLine parse_operator_command_line(std::vector<std::string> arguments) {
  OperatorCommandLine line;
  Given given;
  CLI::App app("Gives every Kubernetes Node its PodCIDRs out of the cluster's pool.",
               "pellicle-operator");
  app.set_version_flag("--version", "pellicle-operator " PELLICLE_VERSION);
  app.set_config("--config", "", "File of `name = value` lines with the names of these flags");
  app.allow_config_extras(CLI::config_extras_mode::error);
  add_pool_options(app, given);
  add_election_options(app, line.options, given);
  add_process_options(app, line.options);
  add_key_options(app, line.options, given);
  add_taint_options(app, line.options);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 expects them in reverse order
  const auto ends = [](int status, std::string text) {
    return OperatorCommandLine{
        .options = {}, .run = false, .status = status, .text = std::move(text)};
  };
  try {
    app.parse(arguments);
    take(given, line.options);
  } catch (const CLI::CallForHelp&) {
    return ends(0, app.help());
  } catch (const CLI::CallForVersion& version) {
    return ends(0, std::string(version.what()) + "\n");
  } catch (const CLI::Error& error) {
    return ends(2, std::string("pellicle-operator: ") + error.what() + "\n");
  }
  return line;
}

}  // namespace pellicle
