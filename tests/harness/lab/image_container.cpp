#include "tests/harness/lab/image_container.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>

namespace pellicle::lab {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// YAML with the API server's types: quoted scalars are strings, others as they parse.
Json as_json(const YAML::Node& node) {
  if (node.IsMap()) {
    Json map = Json::object();
    for (const auto& entry : node) map[entry.first.as<std::string>()] = as_json(entry.second);
    return map;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& each : node) list.push_back(as_json(each));
    return list;
  }
  if (!node.IsScalar()) return nullptr;
  const auto text = node.Scalar();
  const auto parsed = node.Tag() == "!" ? Json() : Json::parse(text, nullptr, false);
  return parsed.is_number() || parsed.is_boolean() ? parsed : Json(text);
}

Json object(const std::string& manifests, const std::string& kind, const std::string& name) {
  for (const auto& document : YAML::LoadAll(manifests)) {
    const Json found = as_json(document);
    if (!found.is_object() || found["metadata"]["name"] != name) continue;
    if (kind.empty() ? found.contains("spec") && found["spec"].contains("template")
                     : found["kind"] == kind) {
      return found;
    }
  }
  throw LabError("the manifests have no " + (kind.empty() ? "workload" : kind) + " " + name);
}

Json named(const Json& list, const std::string& name) {
  for (const auto& each : list) {
    if (each["name"] == name) return each;
  }
  throw LabError("nothing is named " + name + " in " + list.dump());
}

// Unpacks the archive's single layer into an empty folder.
void unpack(const std::string& archive, const std::string& directory) {
  const std::string layout = directory + "/layout";
  fs::create_directories(layout);
  fs::create_directories(directory + "/root");
  must("tar -C " + layout + " -xf " + shell_word(archive));
  const auto blob = [&](const Json& descriptor) {
    return layout + "/blobs/sha256/" + descriptor["digest"].get<std::string>().substr(7);
  };
  const auto index = Json::parse(file_text(layout + "/index.json"));
  const auto manifest = Json::parse(file_text(blob(index["manifests"][0])));
  must("tar -C " + directory + "/root -xzf " + blob(manifest["layers"][0]));
  fs::remove_all(layout);
}

// The path of a volume on the node. A ConfigMap becomes files, as with kubelet.
std::string source(const Json& volume, const std::string& manifests, const std::string& directory) {
  if (volume.contains("hostPath")) {
    const std::string path = volume["hostPath"]["path"];
    const std::string type = volume["hostPath"].value("type", "");
    if (type == "DirectoryOrCreate") fs::create_directories(path);
    if (type == "FileOrCreate" && !fs::exists(path)) write_file(path, "");
    return path;
  }
  const std::string path = directory + "/volumes/" + volume["name"].get<std::string>();
  fs::create_directories(path);
  if (volume.contains("configMap")) {
    const auto map = object(manifests, "ConfigMap", volume["configMap"]["name"]);
    for (const auto& [file, text] : map["data"].items()) {
      write_file(path + "/" + file, text.get<std::string>());
    }
  }
  return path;
}

Json bind_mount(const std::string& from, const std::string& to, bool read_only,
                const std::string& propagation) {
  return {{"destination", to},
          {"type", "bind"},
          {"source", from},
          {"options", {"rbind", read_only ? "ro" : "rw", propagation}}};
}

// The mounts that containerd adds to every container.
Json usual_mounts() {
  return Json::parse(R"([
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "mode=1777"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]}])");
}

Json capabilities(const Json& security) {
  Json names = Json::array();
  const auto wanted = security.value("capabilities", Json::object());
  for (const auto& name : wanted.value("add", Json::array())) {
    names.push_back("CAP_" + name.get<std::string>());
  }
  return {{"bounding", names}, {"effective", names}, {"permitted", names}};
}

}  // namespace

ImageContainer::ImageContainer(ImageContainerSpec spec)
    : spec_(std::move(spec)),
      id_(spec_.workload + "-" + spec_.node),
      directory_("/run/lab/" + id_) {
  const Json pod = object(spec_.manifests, "", spec_.workload)["spec"]["template"]["spec"];
  Json containers = pod["containers"];
  for (const auto& each : pod.value("initContainers", Json::array())) containers.push_back(each);
  container_ = named(containers, spec_.container);
  unpack(spec_.archive, directory_);

  Json mounts = usual_mounts();
  for (const auto& mount : container_["volumeMounts"]) {
    const bool slave = mount.value("mountPropagation", "") == "HostToContainer";
    mounts.push_back(bind_mount(
        source(named(pod["volumes"], mount["name"]), spec_.manifests, directory_),
        mount["mountPath"], mount.value("readOnly", false), slave ? "rslave" : "rprivate"));
  }
  const std::string account = directory_ + "/account";
  fs::create_directories(account);
  write_file(account + "/token", spec_.token);
  write_file(account + "/ca.crt", spec_.ca_pem);
  mounts.push_back(
      bind_mount(account, "/var/run/secrets/kubernetes.io/serviceaccount", true, "rprivate"));

  const Json security = container_.value("securityContext", Json::object());
  const int user = security.value("runAsUser", 0);
  Json config = {{"ociVersion", "1.0.2"},
                 {"process",
                  {{"user", {{"uid", user}, {"gid", security.value("runAsGroup", 0)}}},
                   {"args", container_["command"]},
                   {"cwd", "/"},
                   {"env",
                    {"PATH=/usr/sbin:/usr/bin", "K8S_NODE_NAME=" + spec_.node,
                     "KUBERNETES_SERVICE_HOST=" + spec_.api_host,
                     "KUBERNETES_SERVICE_PORT=" + spec_.api_port}},
                   {"capabilities", capabilities(security)},
                   {"noNewPrivileges", !security.value("allowPrivilegeEscalation", true)}}},
                 {"root",
                  {{"path", directory_ + "/root"},
                   {"readonly", security.value("readOnlyRootFilesystem", false)}}},
                 {"mounts", mounts},
                 {"linux",
                  {{"namespaces",
                    {{{"type", "pid"}},
                     {{"type", "ipc"}},
                     {{"type", "mount"}},
                     {{"type", "network"}, {"path", "/run/netns/" + spec_.node}}}},
                   {"rootfsPropagation", "rslave"},
                   {"maskedPaths", {"/proc/kcore", "/proc/keys", "/sys/firmware"}},
                   {"readonlyPaths",
                    {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}}}};
  write_file(directory_ + "/config.json", config.dump(2));
  process_.emplace(std::vector<std::string>{"runc", "run", "--bundle", directory_, id_}, spec_.log);
}

ImageContainer::~ImageContainer() {
  sh("runc delete --force " + id_);
}

Result ImageContainer::exec(const std::string& command) const {
  return sh("runc exec " + id_ + " sh -c " + shell_word(command));
}

Result ImageContainer::probe(const std::string& name) const {
  const auto& get = container_.at(name).at("httpGet");
  return sh_in(spec_.node, "curl --silent --show-error --fail-with-body http://" +
                               get.at("host").get<std::string>() + ":" + get.at("port").dump() +
                               get.at("path").get<std::string>());
}

int ImageContainer::stop() {
  sh("runc kill " + id_ + " TERM");
  return process_->wait(20s).value_or(-1);
}

}  // namespace pellicle::lab
