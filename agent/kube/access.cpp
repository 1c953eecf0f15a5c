#include "agent/kube/access.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "agent/model/ip.h"

namespace pellicle {
namespace {

std::string server_url(std::string_view host, std::string_view port, const std::string& origin) {
  int number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || number < 1 ||
      number > 65535) {
    throw AccessError(origin + " has no valid port of the API server: a number from 1 to 65535");
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto address = IpAddress::parse(host);
  const bool bracketed = address && address->family() == Family::v6;
  const bool legal = host.find_first_of("/@[]?# \t\n") == std::string_view::npos &&
                     (bracketed || host.find(':') == std::string_view::npos);
  if (host.empty() || !legal) {
    throw AccessError(origin + " has no valid host name or address of the API server");
  }
  const std::string shown = bracketed ? "[" + std::string(host) + "]" : std::string(host);
  return "https://" + shown + ":" + std::to_string(number);
}

}  // namespace

std::string Pem::read() const {
  if (file.empty()) return text;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream all;
  if (in) all << in.rdbuf();
  if (!in || all.str().empty()) throw AccessError("cannot read " + file + ", or it is empty");
  return all.str();
}

std::string ApiAccess::host() const {
  const auto start = scheme_host_port.find("://") + 3;
  const auto end = scheme_host_port.rfind(':');
  auto name = scheme_host_port.substr(start, end - start);
  return name.starts_with('[') ? name.substr(1, name.size() - 2) : name;
}

int ApiAccess::port() const {
  return std::stoi(scheme_host_port.substr(scheme_host_port.rfind(':') + 1));
}

ApiAccess in_cluster_access(std::string_view host, std::string_view port,
                            const std::filesystem::path& directory) {
  if (host.empty() || port.empty()) {
    throw AccessError(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this does not run in a "
        "pod; give a kubeconfig file, or the host and port of the API server");
  }
  ApiAccess access;
  access.scheme_host_port =
      server_url(host, port, "KUBERNETES_SERVICE_HOST / KUBERNETES_SERVICE_PORT");
  access.token_file = directory / "token";
  access.ca.file = directory / "ca.crt";
  for (const auto& file : {access.token_file, access.ca.file}) {
    (void)Pem{.text = "", .file = file}.read();
  }
  return access;
}

void override_server(ApiAccess& access, std::string_view host, std::string_view port) {
  if (host.empty() && port.empty()) return;
  const std::string old_host = access.scheme_host_port.empty() ? "" : access.host();
  const std::string old_port = access.scheme_host_port.empty() ? "" : std::to_string(access.port());
  access.scheme_host_port =
      server_url(host.empty() ? std::string_view(old_host) : host,
                 port.empty() ? std::string_view(old_port) : port, "k8sServiceHost/k8sServicePort");
}

ApiAccess api_access(const std::string& kubeconfig, std::string_view host, std::string_view port,
                     const std::string& program) {
  const Environment variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  ApiAccess access = kubeconfig.empty() ? in_cluster_access(variable("KUBERNETES_SERVICE_HOST"),
                                                            variable("KUBERNETES_SERVICE_PORT"))
                                        : kubeconfig_access(kubeconfig);
  access.program = program;
  override_server(access, host, port);
  if (!access.proxy) {
    access.proxy = proxy_from(variable, access.host(), static_cast<uint16_t>(access.port()));
  }
  return access;
}

}  // namespace pellicle
