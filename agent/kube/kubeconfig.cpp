// Reads the current context's cluster and user from a kubeconfig file.
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>

#include "agent/kube/access.h"
#include "agent/kube/base64.h"

namespace pellicle {
namespace {

// A mapping in the file, and how messages refer to it: "FILE: cluster kind".
struct Section {
  YAML::Node node;
  std::string place;
  std::filesystem::path directory;

  [[noreturn]] void refuse(const std::string& field, const std::string& why) const {
    throw AccessError(place + ": " + field + " " + why);
  }
  bool has(const char* field) const { return node.IsMap() && node[field]; }
  std::string text(const char* field) const {
    if (!has(field) || node[field].IsNull()) return "";
    if (!node[field].IsScalar()) refuse(field, "must be a string");
    return node[field].Scalar();
  }
  bool flag(const char* field) const {
    const auto value = text(field);
    if (value.empty() || value == "false") return false;
    if (value != "true") refuse(field, "must be true or false");
    return true;
  }
  std::string path(const char* field) const {
    const auto value = text(field);
    return value.empty() ? "" : (directory / value).string();
  }
  // "<name>-data" in base64 takes precedence over the file "<name>", as in kubectl.
  Pem pem(const std::string& name) const {
    const auto data_field = name + "-data";
    const auto data = text(data_field.c_str());
    if (data.empty()) return {.text = "", .file = path(name.c_str())};
    auto decoded = from_base64(data);
    if (!decoded) refuse(data_field, "is not base64");
    return {.text = std::move(*decoded), .file = ""};
  }
};

Section load(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream all;
  if (in) all << in.rdbuf();
  if (!in) throw AccessError("cannot read the kubeconfig file " + file.string());
  Section top{.node = {}, .place = file.string(), .directory = file.parent_path()};
  try {
    top.node = YAML::Load(all.str());
  } catch (const YAML::Exception& error) {
    // The parser's message may quote the file, including tokens.
    throw AccessError(file.string() + " is not YAML: line " + std::to_string(error.mark.line + 1));
  }
  if (!top.node.IsMap()) throw AccessError(file.string() + " is not a kubeconfig file");
  return top;
}

// The entry named `name` in one of the three lists, e.g. clusters[].cluster.
Section entry(const Section& top, const char* list, const char* kind, const std::string& name) {
  if (name.empty()) {
    top.refuse(kind, "is not named by the current context");
  }
  if (top.has(list) && top.node[list].IsSequence()) {
    for (const auto& item : top.node[list]) {
      if (!item.IsMap() || !item["name"] || !item["name"].IsScalar()) continue;
      if (item["name"].Scalar() != name) continue;
      return {.node = item[kind] ? item[kind] : YAML::Node(YAML::NodeType::Map),
              .place = top.place + ": " + kind + " " + name,
              .directory = top.directory};
    }
  }
  top.refuse(list, "has no entry named " + name);
}

void read_cluster(const Section& cluster, ApiAccess& access) {
  auto server = cluster.text("server");
  if (!server.starts_with("https://")) cluster.refuse("server", "must begin with https://");
  server = server.substr(8);
  while (server.ends_with('/')) server.pop_back();
  if (server.find('/') != std::string::npos) cluster.refuse("server", "must not have a path");
  const auto bracket = server.rfind(']');
  const auto colon = server.rfind(':');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  try {
    override_server(access, has_port ? server.substr(0, colon) : server,
                    has_port ? server.substr(colon + 1) : "443");
  } catch (const AccessError&) {
    cluster.refuse("server", "must be https://HOST:PORT");
  }
  access.ca = cluster.pem("certificate-authority");
  access.tls_server_name = cluster.text("tls-server-name");
  access.skip_tls_verify = cluster.flag("insecure-skip-tls-verify");
  const auto proxy = cluster.text("proxy-url");
  if (!proxy.empty()) access.proxy = parse_proxy(proxy, cluster.place + ": proxy-url");
}

void read_user(const Section& user, ApiAccess& access) {
  for (const char* plugin : {"exec", "auth-provider"}) {
    if (user.has(plugin)) {
      user.refuse(plugin,
                  "is not supported: the agent runs no credential plugins; use a token or a client "
                  "certificate");
    }
  }
  if (user.has("username") || user.has("password")) {
    user.refuse("username", "is not supported: use a token or a client certificate");
  }
  if (user.has("as")) user.refuse("as", "is not supported: the agent impersonates nobody");
  access.token = user.text("token");
  access.token_file = user.path("tokenFile");
  access.client_certificate = user.pem("client-certificate");
  access.client_key = user.pem("client-key");
  if (access.client_certificate.empty() != access.client_key.empty()) {
    user.refuse("client-certificate and client-key", "must be given together");
  }
}

}  // namespace

ApiAccess kubeconfig_access(const std::filesystem::path& file) {
  const auto top = load(file);
  const auto name = top.text("current-context");
  if (name.empty()) top.refuse("current-context", "is not set");
  const auto context = entry(top, "contexts", "context", name);
  ApiAccess access;
  read_cluster(entry(top, "clusters", "cluster", context.text("cluster")), access);
  read_user(entry(top, "users", "user", context.text("user")), access);
  return access;
}

}  // namespace pellicle
