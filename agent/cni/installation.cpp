#include "agent/cni/installation.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "agent/files/replace_file.h"

namespace pellicle {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

// What libcni reads as a configuration.
constexpr std::array kExtensions = {".conf", ".conflist", ".json"};

std::optional<std::string> contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string beside_this_program() {
  return (fs::read_symlink("/proc/self/exe").parent_path() / kPluginName).string();
}

// What containerd and CRI-O call the capability.
constexpr const char* kAnnotations = "io.kubernetes.cri.pod-annotations";

Json chained_plugin(const std::string& type) {
  if (type == "portmap") {
    return {{"type", type}, {"snat", true}, {"capabilities", {{"portMappings", true}}}};
  }
  if (type == "bandwidth") return {{"type", type}, {"capabilities", {{"bandwidth", true}}}};
  return {{"type", type}};
}

std::vector<std::string> configurations(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) {
    const auto extension = entry.path().extension().string();
    if (std::find(kExtensions.begin(), kExtensions.end(), extension) == kExtensions.end()) continue;
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string conflist(const std::string& socket, const std::vector<std::string>& chained,
                     std::optional<unsigned> status_grace) {
  Json plugins = Json::array();
  // Who limits what a pod sends needs the ingress hook of its device for itself.
  const bool shapes = std::find(chained.begin(), chained.end(), "bandwidth") != chained.end();
  Json ours{{"type", kPluginName},
            {"socket", socket},
            {"capabilities", {{"ips", true}, {kAnnotations, true}}}};
  if (shapes) ours["capabilities"]["bandwidth"] = true;
  if (status_grace) ours["statusGraceSeconds"] = *status_grace;
  plugins.push_back(std::move(ours));
  for (const auto& type : chained) plugins.push_back(chained_plugin(type));
  Json list{{"cniVersion", "1.0.0"}};
  if (chained.empty()) list["cniVersions"] = {"1.0.0", "1.1.0"};
  // Debian's bandwidth (1.1.1) crashes when it is asked to CHECK a pod without limits.
  if (shapes) list["disableCheck"] = true;
  list["name"] = "pellicle";
  list["plugins"] = std::move(plugins);
  return list.dump(2) + "\n";
}

CniInstallation::CniInstallation(CniSettings settings, std::string socket)
    : settings_(std::move(settings)), socket_(std::move(socket)) {
  if (settings_.plugin.empty()) settings_.plugin = beside_this_program();
}

void CniInstallation::bring_about() {
  if (settings_.conf_dir.empty()) return;
  problems_.clear();
  try {
    install_plugin();
    install_conflist();
    installed_ = true;
  } catch (const std::exception& error) {
    installed_ = false;
    problems_.push_back(
        {"CNI", "", std::string("not installed, so this node takes no pods: ") + error.what()});
  }
  look_at_others();
}

void CniInstallation::install_plugin() const {
  const auto wanted = contents(settings_.plugin);
  if (!wanted) throw std::runtime_error("the plugin " + settings_.plugin + " cannot be read");
  const fs::path target = fs::path(settings_.bin_dir) / kPluginName;
  if (contents(target) == wanted) return;
  fs::create_directories(settings_.bin_dir);
  replace_file(target.string(), *wanted, 0755);
}

void CniInstallation::install_conflist() {
  chained_.clear();
  for (const auto& type : settings_.chain) {
    if (fs::exists(fs::path(settings_.bin_dir) / type)) chained_.push_back(type);
  }
  const auto wanted = conflist(socket_, chained_, settings_.status_grace);
  if (contents(file()) == wanted) return;
  fs::create_directories(settings_.conf_dir);
  replace_file(file(), wanted, 0644);
}

// The runtime takes the first by name.
void CniInstallation::look_at_others() {
  others_.clear();
  for (const auto& name : configurations(settings_.conf_dir)) {
    if (name == kConflistName) continue;
    others_.push_back(name);
    if (name > kConflistName) continue;
    problems_.push_back({"File " + settings_.conf_dir + "/" + name, "",
                         std::string("stands before ") + kConflistName +
                             ", so the container runtime gives new pods to that CNI; expected it "
                             "to be removed"});
  }
}

std::vector<std::string> uninstall_cni(const CniSettings& settings, bool dry_run) {
  std::vector<std::string> removed;
  if (settings.conf_dir.empty()) return removed;
  for (const auto& path :
       {fs::path(settings.conf_dir) / kConflistName, fs::path(settings.bin_dir) / kPluginName}) {
    if (!fs::exists(path)) continue;
    if (!dry_run) fs::remove(path);
    removed.push_back(path.string());
  }
  return removed;
}

}  // namespace pellicle
