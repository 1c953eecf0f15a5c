#include "tools/cni/configuration.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "agent/cni/versions.h"
#include "tools/cni/environment.h"
#include "tools/cni/failure.h"

namespace pellicle::cni {

namespace {

constexpr int kDeepest = 32;  // levels; a configuration has about five
constexpr const char* kDefaultSocket = "/var/run/pellicle/agent.sock";
constexpr int64_t kStatusGrace = 120;  // seconds: an agent's image is pulled meanwhile
constexpr int64_t kAddWait = 20;       // seconds; a runtime gives an ADD at least a minute

[[noreturn]] void refuse(const std::string& field, const std::string& expected) {
  throw Failure(kInvalidConfiguration, "network configuration: " + field + ": " + expected);
}

// The value of `name`, null when it is not there. Who writes in Go says nothing, and an empty list
// or object, by null.
const Json& field(const Json& object, const char* name) {
  static const Json absent;
  const auto found = object.find(name);
  return found == object.end() ? absent : *found;
}

Json decoded(const std::string& input) {
  if (input.size() > kLongestInput) {
    throw Failure(kUndecodable, "stdin: more than 1 MiB, expected a network configuration");
  }
  if (input.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw Failure(kUndecodable, "stdin is empty, expected a network configuration");
  }
  // Printing and comparing recurse: what is nested without end must not get that far.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepest) throw Failure(kUndecodable, "stdin: nested more than 32 levels deep");
    return true;
  };
  try {
    auto json = Json::parse(input, shallow);
    if (json.is_object()) return json;
  } catch (const Json::exception& error) {
    throw Failure(kUndecodable, "stdin is no JSON", error.what());
  }
  throw Failure(kUndecodable, "stdin: expected a network configuration, which is a JSON object");
}

std::string version_of(const Json& json) {
  const auto& version = field(json, "cniVersion");
  if (version.is_null()) return "";
  if (!version.is_string()) throw Failure(kUndecodable, "cniVersion: expected a text");
  return version.get<std::string>();
}

std::string spoken_version(const Json& json) {
  auto version = version_of(json);
  if (is_supported(version)) return version;
  std::string supported;
  for (const auto each : kVersions) {
    supported.append(supported.empty() ? "" : ", ").append(each);
  }
  const std::string found =
      version.empty() ? std::string("no cniVersion") : "cniVersion '" + version + "'";
  throw Failure(kIncompatibleVersion, "incompatible CNI version: the configuration has " + found +
                                          ", supported are " + supported);
}

std::string socket_in(const Json& json) {
  const auto& socket = field(json, "socket");
  if (socket.is_null()) return kDefaultSocket;
  constexpr size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  const char* expected = "expected an absolute path of at most 107 bytes";
  if (!socket.is_string()) refuse("socket", expected);
  auto path = socket.get<std::string>();
  if (!path.starts_with('/') || path.ends_with('/') || path.size() > longest ||
      path.find('\0') != std::string::npos) {
    refuse("socket", expected);
  }
  return path;
}

std::string network_in(const Json& json) {
  const auto& name = field(json, "name");
  if (!name.is_string() || !is_identifier(name.get<std::string>())) {
    refuse("name", "expected a letter or digit, then letters, digits, '_', '.' and '-'");
  }
  return name.get<std::string>();
}

std::chrono::seconds seconds_in(const Json& json, const char* name, int64_t without) {
  constexpr int64_t most = 3600;
  const auto& given = field(json, name);
  if (given.is_null()) return std::chrono::seconds(without);
  const auto count = given.is_number_integer() ? given.get<int64_t>() : -1;
  if (count < 0 || count > most) refuse(name, "expected seconds, 0 to 3600, found " + given.dump());
  return std::chrono::seconds(count);
}

void check_type(const Json& json) {
  const auto& type = field(json, "type");
  const bool valid = type.is_string() && !type.get_ref<const std::string&>().empty() &&
                     type.get_ref<const std::string&>().find('/') == std::string::npos;
  if (!valid) refuse("type", "expected the file name of this plugin");
}

// `text` without a prefix length; empty when it is no address, or the length does not fit it.
std::string plain_address(const std::string& text) {
  const size_t slash = text.find('/');
  auto address = text.substr(0, slash);
  const bool v6 = address.find(':') != std::string::npos;
  in6_addr bytes{};
  if (address.find('\0') != std::string::npos ||
      inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), &bytes) != 1) {
    return "";
  }
  if (slash == std::string::npos) return address;
  unsigned length = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, length);
  const bool fits = parsed.ec == std::errc() && parsed.ptr == end && length <= (v6 ? 128U : 32U);
  return fits ? address : "";
}

std::string address_at(const Json& value, const std::string& where) {
  auto address = value.is_string() ? plain_address(value.get<std::string>()) : std::string();
  if (address.empty()) refuse(where, "expected an IP address, found " + value.dump());
  return address;
}

// An object or nothing.
const Json& section(const Json& object, const char* name, std::string_view where) {
  const auto& found = field(object, name);
  if (!found.is_null() && !found.is_object()) refuse(std::string(where), "expected an object");
  return found;
}

bool is_texts(const Json& value) {
  return value.is_null() ||
         (value.is_array() && std::all_of(value.begin(), value.end(),
                                          [](const Json& each) { return each.is_string(); }));
}

}  // namespace

std::string attachment_id(const std::string& container_id, const std::string& ifname) {
  return container_id + ":" + ifname;
}

std::string version_in(const std::string& input) {
  const auto json = decoded(input);
  return version_of(json);
}

std::string version_for_errors(const std::string& input) {
  try {
    auto version = version_in(input);
    if (is_supported(version)) return version;
  } catch (const Failure&) {
    // The error that is being written says it.
  }
  return std::string(kNewest);
}

Configuration configuration(const std::string& input) {
  Configuration result{.json = decoded(input)};
  result.version = spoken_version(result.json);
  result.network = network_in(result.json);
  check_type(result.json);
  result.socket = socket_in(result.json);
  result.status_grace = seconds_in(result.json, "statusGraceSeconds", kStatusGrace);
  result.add_wait = seconds_in(result.json, "addWaitSeconds", kAddWait);
  return result;
}

void refuse_ipam(const Configuration& configuration) {
  const auto& ipam = field(configuration.json, "ipam");
  if (ipam.empty()) return;
  throw Failure(kUnsupportedField, "unsupported field \"ipam\": " + ipam.dump() +
                                       "; the Pellicle agent gives addresses itself");
}

void refuse_previous_result(const Configuration& configuration) {
  if (field(configuration.json, "prevResult").is_null()) return;
  refuse("prevResult", "this plugin makes the pod's interface and must be the first of its chain");
}

std::vector<std::string> wanted_addresses(const Configuration& configuration) {
  const auto& ips = field(section(configuration.json, "runtimeConfig", "runtimeConfig"), "ips");
  std::vector<std::string> addresses;
  if (ips.is_null()) return addresses;
  if (!ips.is_array()) refuse("runtimeConfig.ips", "expected a list of IP addresses");
  for (const auto& each : ips) addresses.push_back(address_at(each, "runtimeConfig.ips"));
  return addresses;
}

bool is_egress_shaped(const Configuration& configuration) {
  const auto& runtime = section(configuration.json, "runtimeConfig", "runtimeConfig");
  const auto& rate = field(section(runtime, "bandwidth", "runtimeConfig.bandwidth"), "egressRate");
  if (rate.is_null()) return false;
  if (!rate.is_number()) refuse("runtimeConfig.bandwidth.egressRate", "expected a number");
  return rate.get<double>() > 0;
}

std::string allowed_addresses(const Configuration& configuration) {
  constexpr const char* kAnnotations = "io.kubernetes.cri.pod-annotations";
  const auto where = std::string("runtimeConfig.") + kAnnotations;
  const auto& runtime = section(configuration.json, "runtimeConfig", "runtimeConfig");
  const auto& text = field(section(runtime, kAnnotations, where), "pellicle.io/allowed-addresses");
  if (text.is_null()) return "";
  if (!text.is_string()) refuse(where, "expected texts, found " + text.dump());
  return text.get<std::string>();
}

Json dns(const Configuration& configuration) {
  const auto& given = section(configuration.json, "dns", "dns");
  if (given.is_null()) return Json::object();
  for (const char* list : {"nameservers", "search", "options"}) {
    if (!is_texts(field(given, list)))
      refuse(std::string("dns.") + list, "expected a list of texts");
  }
  const auto& domain = field(given, "domain");
  if (!domain.is_null() && !domain.is_string()) refuse("dns.domain", "expected a text");
  Json dns = Json::object();
  for (const auto& [name, value] : given.items()) {
    if (!value.is_null()) dns[name] = value;
  }
  return dns;
}

std::vector<std::string> addresses_in_previous_result(const Configuration& configuration,
                                                      const std::string& ifname) {
  const auto& previous = field(configuration.json, "prevResult");
  if (!previous.is_object()) refuse("prevResult", "expected the result of ADD, which CHECK needs");
  const auto& interfaces = field(previous, "interfaces");
  const auto& ips = field(previous, "ips");
  const auto is_list = [](const Json& value) { return value.is_array() || value.is_null(); };
  if (!is_list(interfaces) || !is_list(ips)) {
    refuse("prevResult", "expected lists of interfaces and of ips");
  }
  const auto is_ours = [&interfaces, &ifname](const Json& index) {
    if (!index.is_number_unsigned() || index.get<size_t>() >= interfaces.size()) return false;
    const auto& interface = interfaces[index.get<size_t>()];
    const auto& sandbox = field(interface, "sandbox");
    return field(interface, "name") == ifname && sandbox.is_string() &&
           !sandbox.get_ref<const std::string&>().empty();
  };
  std::vector<std::string> addresses;
  for (const auto& each : ips) {
    if (!each.is_object()) refuse("prevResult.ips", "expected objects");
    if (!is_ours(field(each, "interface"))) continue;
    addresses.push_back(address_at(field(each, "address"), "prevResult.ips.address"));
  }
  if (addresses.empty()) {
    refuse("prevResult", "expected an address of the pod's interface " + ifname);
  }
  return addresses;
}

std::vector<std::string> valid_attachments(const Configuration& configuration) {
  constexpr const char* name = "cni.dev/valid-attachments";
  const auto& current = field(configuration.json, name);
  // The specification's text first had this name, and runtimes send both.
  constexpr const char* first_name = "cni.dev/attachments";
  const auto& list = current.is_null() ? field(configuration.json, first_name) : current;
  const bool named = configuration.json.contains(name) || configuration.json.contains(first_name);
  if (list.is_null() && named) return {};
  if (!list.is_array()) refuse(name, "expected the list of attachments to keep, which GC needs");
  std::vector<std::string> ids;
  for (const auto& each : list) {
    const auto& container = field(each, "containerID");
    const auto& ifname = field(each, "ifname");
    if (!container.is_string() || !ifname.is_string()) {
      refuse(name, "expected objects with containerID and ifname, found " + each.dump());
    }
    ids.push_back(attachment_id(container.get<std::string>(), ifname.get<std::string>()));
  }
  return ids;
}

}  // namespace pellicle::cni
