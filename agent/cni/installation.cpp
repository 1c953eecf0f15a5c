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

// Sorted, as the runtime has them.
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

std::string conflist(const std::string& socket, const std::vector<ChainedPlugin>& chain,
                     std::optional<unsigned> status_grace) {
  Json plugins = Json::array();
  // Who limits what a pod sends needs the ingress hook of its device for itself.
  const bool shapes = std::any_of(chain.begin(), chain.end(), [](const ChainedPlugin& each) {
    return each.type == "bandwidth";
  });
  Json ours{{"type", kPluginName},
            {"socket", socket},
            {"capabilities", {{"ips", true}, {kAnnotations, true}}}};
  if (shapes) ours["capabilities"]["bandwidth"] = true;
  if (status_grace) ours["statusGraceSeconds"] = *status_grace;
  plugins.push_back(std::move(ours));
  for (const auto& each : chain) plugins.push_back(chained_plugin(each.type));
  const auto versions = offered_versions(chain);
  Json list{{"cniVersion", versions.front()}};
  if (versions.size() > 1) list["cniVersions"] = versions;
  if (!may_check(chain)) list["disableCheck"] = true;
  list["name"] = "pellicle";
  list["plugins"] = std::move(plugins);
  return list.dump(2) + "\n";
}

CniInstallation::CniInstallation(CniSettings settings, std::string socket,
                                 std::function<void()> answered, PluginAnswers::Ask ask)
    : settings_(std::move(settings)),
      socket_(std::move(socket)),
      answers_(std::move(ask), std::move(answered)) {
  if (settings_.plugin.empty()) settings_.plugin = beside_this_program();
}

bool CniInstallation::bring_about() {
  if (settings_.conf_dir.empty()) return false;
  bool written = false;
  std::vector<Problem> problems;
  try {
    install_plugin();
    const auto chain = this->chain();
    asking_ = !chain;
    if (chain) {
      problems = problems_of(*chain, settings_.bin_dir);
      written = install_conflist(*chain);
      installed_ = true;
    }
  } catch (const std::exception& error) {
    installed_ = false;
    problems.push_back(
        {"CNI", "", std::string("not installed, so this node takes no pods: ") + error.what()});
  }
  problems_ = std::move(problems);
  look_at_others();
  return written;
}

void CniInstallation::install_plugin() const {
  const auto wanted = contents(settings_.plugin);
  if (!wanted) throw std::runtime_error("the plugin " + settings_.plugin + " cannot be read");
  const fs::path target = fs::path(settings_.bin_dir) / kPluginName;
  if (contents(target) == wanted) return;
  fs::create_directories(settings_.bin_dir);
  replace_file(target.string(), *wanted, 0755);
}

// Nothing while one of them is being asked. All are, at once.
std::optional<std::vector<ChainedPlugin>> CniInstallation::chain() {
  std::vector<ChainedPlugin> chain;
  std::vector<std::string> missing;
  bool known = true;
  for (const auto& type : settings_.chain) {
    const auto path = fs::path(settings_.bin_dir) / type;
    if (!fs::exists(path)) {
      missing.push_back(type);
    } else if (auto answer = answers_.of(path.string())) {
      chain.push_back({type, *std::move(answer)});
    } else {
      known = false;
    }
  }
  if (!known) return std::nullopt;
  missing_ = std::move(missing);
  return chain;
}

bool CniInstallation::install_conflist(const std::vector<ChainedPlugin>& chain) {
  chained_.clear();
  for (const auto& each : chain) chained_.push_back(each.type);
  versions_ = offered_versions(chain);
  const auto wanted = conflist(socket_, chain, settings_.status_grace);
  if (contents(file()) == wanted) return false;
  fs::create_directories(settings_.conf_dir);
  replace_file(file(), wanted, 0644);
  return true;
}

// The runtime takes the first by name.
void CniInstallation::look_at_others() {
  others_ = others_cni_files(settings_.conf_dir);
  for (const auto& name : others_) {
    if (name > kConflistName) continue;
    problems_.push_back({"File " + settings_.conf_dir + "/" + name, "",
                         std::string("stands before ") + kConflistName +
                             ", so the container runtime gives new pods to that CNI; expected it "
                             "to be removed"});
  }
}

std::vector<std::string> others_cni_files(const std::string& conf_dir) {
  auto names = configurations(conf_dir);
  std::erase(names, kConflistName);
  return names;
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
