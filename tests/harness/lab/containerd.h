// A containerd and its runc on one node, asked through `ctr`: pods as a kubelet's runtime makes
// them, with the node's CNI configuration.
//
//   Containerd containerd("worker", "/run/lab/worker/net.d", "/run/lab/worker/bin", lab.log_dir());
//   containerd.run("net", {"sleep", "1000"});
//   REQUIRE(containerd.exec("net", "ip route").ok());
//   containerd.remove("net");
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/harness/lab/process.h"

namespace pellicle::lab {

// Where containerd, its shim, ctr and runc are, and the version of its configuration file. Without
// CRI unless `cri`: it needs an image for a pod, and none for its own state.
struct ContainerdRelease {
  std::string folder;  // empty: in $PATH
  int config_version = 2;
  bool cri = false;
};

class Containerd {
 public:
  // Starts it in the network namespace of `node` and returns once it serves; LabError with its log.
  // ctr takes its CNI configuration from /etc/cni/net.d and the plugins from /opt/cni/bin, which
  // for this containerd alone are `conf_dir` and `bin_dir`. Logs go to `log_dir`.
  Containerd(std::string node, const std::string& conf_dir, const std::string& bin_dir,
             std::string log_dir, ContainerdRelease release = {});
  ~Containerd();  // removes its pods first
  Containerd(const Containerd&) = delete;
  Containerd& operator=(const Containerd&) = delete;

  // A pod whose only container runs `command`, with the host's /usr (read-only) and so all of its
  // programs. Returns once ADD has succeeded and the command runs; LabError with what ctr said, and
  // then nothing is left of the pod.
  void run(const std::string& pod, const std::vector<std::string>& command, Seconds limit = 60s);

  // A shell command in the pod's container, by containerd.
  Result exec(const std::string& pod, const std::string& command);

  // Kills the command and returns once ctr has called DEL and containerd knows the pod no more;
  // LabError with what ctr said when one of them failed.
  void remove(const std::string& pod);

  // Names unique on this node. The pod's process, the root of its file system on the node, and the
  // CNI_CONTAINERID that ctr makes of its name.
  pid_t pid(const std::string& pod) const;
  std::string root(const std::string& pod) const { return directory_ + "/roots/" + pod; }
  std::string cni_id(const std::string& pod) const { return node_ + "-" + pod; }

  // What CRI tells a kubelet of the network, asked with its Status: "" when it is ready, else why
  // it is not. Only with `cri`.
  std::string network_obstacle() const;

  std::vector<std::string> containers() const;  // that containerd knows, in this node's name
  std::string log() const { return containerd_.output(); }

 private:
  struct Pod {
    Process ctr;  // `ctr run`, as long as the pod runs
    pid_t pid = -1;
  };
  std::vector<std::string> ctr(const std::vector<std::string>& arguments) const;
  Result ask(const std::vector<std::string>& arguments) const;
  void clear(const std::string& pod);
  LabError failure(const std::string& what, const std::string& said) const;

  std::string node_;
  ContainerdRelease release_;
  std::string directory_;  // /run/lab/<node>/containerd
  std::string log_dir_;
  Process containerd_;
  std::map<std::string, Pod> pods_;
  int executed_ = 0;
};

}  // namespace pellicle::lab
