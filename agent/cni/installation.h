// What the container runtime finds: the plugin in its folder of binaries and our configuration list
// in its folder of configurations. Both are put there only when pods can be served, each
// atomically.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/cni/chain.h"
#include "agent/cni/plugin_answers.h"
#include "agent/model/node.h"

namespace pellicle {

// Ours by its name: it stands before the usual 10-*.
inline constexpr const char* kConflistName = "05-pellicle.conflist";
inline constexpr const char* kPluginName = "pellicle-cni";

struct CniSettings {
  std::string conf_dir = "/etc/cni/net.d";  // empty: nothing is installed
  std::string bin_dir = "/opt/cni/bin";
  std::string plugin;  // the binary to install; empty: pellicle-cni beside this program
  // Plugins that are called after ours, each only while its binary is in bin_dir.
  std::vector<std::string> chain = {"portmap", "bandwidth"};
  // Seconds for which STATUS succeeds without an agent, after it was ready: the plugin's own number
  // unless given.
  std::optional<unsigned> status_grace = {};
};

// The configuration list: cniVersion is for every runtime, cniVersions for one that chooses.
std::string conflist(const std::string& socket, const std::vector<ChainedPlugin>& chain,
                     std::optional<unsigned> status_grace);

class CniInstallation {
 public:
  // `answered` is called on another thread when bring_about() can do what it could not: chained
  // plugins were to be asked first. `ask` asks them, on a thread as well.
  CniInstallation(
      CniSettings settings, std::string socket, std::function<void()> answered,
      PluginAnswers::Ask ask = [](const std::string& path, const std::stop_token& stop) {
        return ask_plugin(path, stop);
      });

  // Installs what is missing or differs, and looks at what others have put there. Never throws:
  // see problems(). Waits for no plugin: a list that depends on one that was not asked yet stays as
  // it is. True: it wrote the list.
  bool bring_about();

  const std::vector<Problem>& problems() const { return problems_; }
  bool installed() const { return installed_; }
  bool asking() const { return asking_; }  // a plugin's answer is awaited, and the list with it
  std::string file() const { return settings_.conf_dir + "/" + kConflistName; }
  const std::vector<std::string>& chained() const { return chained_; }
  const std::vector<std::string>& missing() const { return missing_; }  // to be chained, not there
  const std::vector<std::string>& versions() const { return versions_; }  // offered, oldest first
  const std::vector<std::string>& others() const { return others_; }      // configurations not ours

 private:
  void install_plugin() const;
  std::optional<std::vector<ChainedPlugin>> chain();
  bool install_conflist(const std::vector<ChainedPlugin>& chain);
  void look_at_others();

  CniSettings settings_;
  std::string socket_;
  PluginAnswers answers_;
  std::vector<std::string> chained_;
  std::vector<std::string> missing_;
  std::vector<std::string> versions_;
  std::vector<std::string> others_;
  std::vector<Problem> problems_;
  bool installed_ = false;
  bool asking_ = false;
};

// Configurations in the folder that are not ours, by name; none where it cannot be read.
std::vector<std::string> others_cni_files(const std::string& conf_dir);

// Takes both away again. Returns what was removed, or with `dry_run` would be: paths.
std::vector<std::string> uninstall_cni(const CniSettings& settings, bool dry_run);

}  // namespace pellicle
