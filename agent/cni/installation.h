// What the container runtime finds: the plugin in its folder of binaries and our configuration list
// in its folder of configurations. Both are put there only when pods can be served, each
// atomically.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

// The configuration list. Version 1.0.0, the newest that Debian 12's containerd and plugins read;
// 1.1.0 too, for a runtime that looks for it, when no plugin of unknown age is chained.
std::string conflist(const std::string& socket, const std::vector<std::string>& chained,
                     std::optional<unsigned> status_grace);

class CniInstallation {
 public:
  CniInstallation(CniSettings settings, std::string socket);

  // Installs what is missing or differs, and looks at what others have put there. Never throws:
  // see problems().
  void bring_about();

  const std::vector<Problem>& problems() const { return problems_; }
  bool installed() const { return installed_; }
  std::string file() const { return settings_.conf_dir + "/" + kConflistName; }
  const std::vector<std::string>& chained() const { return chained_; }
  const std::vector<std::string>& others() const { return others_; }  // configurations not ours

 private:
  void install_plugin() const;
  void install_conflist();
  void look_at_others();

  CniSettings settings_;
  std::string socket_;
  std::vector<std::string> chained_;
  std::vector<std::string> others_;
  std::vector<Problem> problems_;
  bool installed_ = false;
};

// Takes both away again. Returns what was removed, or with `dry_run` would be: paths.
std::vector<std::string> uninstall_cni(const CniSettings& settings, bool dry_run);

}  // namespace pellicle
