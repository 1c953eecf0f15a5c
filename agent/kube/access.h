// How to reach the Kubernetes API, from inside a pod or from a kubeconfig file.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "agent/kube/proxy.h"

namespace pellicle {

// The text is one sentence that names the file and the field.
class AccessError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A PEM text, inline or in a file. A file is read for each connection, so that renewed certificates
// take effect.
struct Pem {
  std::string text;
  std::string file;
  bool empty() const { return text.empty() && file.empty(); }
  std::string read() const;  // throws AccessError
};

struct ApiAccess {
  std::string scheme_host_port;  // "https://10.96.0.1:443", "https://[fd00::1]:6443"
  std::string tls_server_name;   // name that the certificate must match; empty: the host
  Pem ca;                        // empty: the system's certificate authorities
  Pem client_certificate;
  Pem client_key;
  std::string token;
  std::string token_file;            // read for each request, because kubelet renews it
  bool skip_tls_verify = false;      // only when a kubeconfig says insecure-skip-tls-verify
  std::optional<Proxy> proxy;        // HTTP proxy to the server
  std::string program = "pellicle";  // how requests name their sender, before the version

  std::string host() const;  // without brackets
  int port() const;
};

inline constexpr const char* kServiceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

// Access from inside a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, and the directory
// with `token` and `ca.crt`.
ApiAccess in_cluster_access(std::string_view host, std::string_view port,
                            const std::filesystem::path& directory = kServiceAccountDir);

// Access by the kubeconfig's current context. Relative paths in it are relative to the file.
ApiAccess kubeconfig_access(const std::filesystem::path& file);

// Replaces the server by the settings k8sServiceHost and k8sServicePort: an agent that sets up the
// datapath cannot rely on the ClusterIP. Empty values change nothing.
void override_server(ApiAccess& access, std::string_view host, std::string_view port);

// Combines all of this for a program's settings. Uses the kubeconfig, or without one the pod's
// access; then the server named by the settings; then the proxy for that server, from the
// kubeconfig's proxy-url or the environment. `program`: see ApiAccess.
ApiAccess api_access(const std::string& kubeconfig, std::string_view host, std::string_view port,
                     const std::string& program = "pellicle");

}  // namespace pellicle
