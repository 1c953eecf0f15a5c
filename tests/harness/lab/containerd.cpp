#include "tests/harness/lab/containerd.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/harness/lab/cni_runtime.h"

namespace pellicle::lab {

namespace {

namespace fs = std::filesystem;

// go-cni's own, which ctr 1.6 has no option for.
constexpr const char* kConfDir = "/etc/cni/net.d";
constexpr const char* kBinDir = "/opt/cni/bin";

std::string socket_in(const std::string& directory) {
  return directory + "/containerd.sock";
}

std::string config_in(const std::string& directory, const ContainerdRelease& release) {
  std::string path = directory + "/config.toml";
  const std::string without = release.cri ? "" : "\"io.containerd.grpc.v1.cri\"";
  write_file(path, "version = " + std::to_string(release.config_version) + "\nroot = \"" +
                       directory + "/root\"\nstate = \"" + directory +
                       "/state\"\ndisabled_plugins = [" + without + "]\n[grpc]\naddress = \"" +
                       socket_in(directory) + "\"\n");
  return path;
}

std::string path_with(const ContainerdRelease& release) {
  const std::string path = path_with_legacy_iptables();
  return "PATH=" + (release.folder.empty() ? path : release.folder + ":" + path);
}

// containerd in a mount namespace of its own, where the two folders are the node's. What is mounted
// outside later (a pod's namespace below /run/netns) is still seen inside.
Process start(const std::string& node, const std::string& directory, const std::string& conf_dir,
              const std::string& bin_dir, const std::string& log,
              const ContainerdRelease& release) {
  for (const std::string& folder : {directory, conf_dir, bin_dir, std::string(kConfDir),
                                    std::string(kBinDir), directory + "/roots"}) {
    fs::create_directories(folder);
  }
  fs::remove(socket_in(directory));
  const std::string script = "mount --bind " + shell_word(conf_dir) + " " + kConfDir +
                             " && mount --bind " + shell_word(bin_dir) + " " + kBinDir +
                             " && exec env " + shell_word(path_with(release)) +
                             " containerd --config " + shell_word(config_in(directory, release));
  return Process({"unshare", "--mount", "--propagation", "slave", "sh", "-c", script}, log, node);
}

// An empty root for a host's /usr: Debian's other folders of programs are links into that.
void make_root(const fs::path& root) {
  for (const char* folder : {"usr", "etc", "proc", "sys", "dev", "run", "tmp", "www"}) {
    fs::create_directories(root / folder);
  }
  for (const char* link : {"bin", "sbin", "lib", "lib64"}) {
    if (!fs::is_symlink(root / link)) fs::create_symlink(fs::path("usr") / link, root / link);
  }
}

// What /proc/<pid>/cmdline shows of a command.
std::string command_line(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) line += word + '\0';
  return line;
}

std::vector<std::string> run_arguments(const std::string& pid_file) {
  return {"run",
          "--rm",
          "--cni",
          "--pid-file",
          pid_file,
          "--env",
          "PATH=/usr/sbin:/usr/bin",
          "--mount",
          "type=bind,src=/usr,dst=/usr,options=rbind:ro",
          "--rootfs"};
}

pid_t pid_in(const std::string& file) {
  return static_cast<pid_t>(std::atol(file_text(file).c_str()));
}

std::string last_lines(const std::string& text, size_t count) {
  size_t from = text.size();
  for (size_t ends = 0; from > 0; --from) {
    ends += text[from - 1] == '\n' ? 1 : 0;
    if (ends > count) break;
  }
  return text.substr(from);
}

}  // namespace

Containerd::Containerd(std::string node, const std::string& conf_dir, const std::string& bin_dir,
                       std::string log_dir, ContainerdRelease release)
    : node_(std::move(node)),
      release_(std::move(release)),
      directory_("/run/lab/" + node_ + "/containerd"),
      log_dir_(std::move(log_dir)),
      containerd_(start(node_, directory_, conf_dir, bin_dir,
                        log_dir_ + "/" + node_ + "-containerd.log", release_)) {
  // It listens when all of its parts are there.
  const auto serves = [&] { return fs::exists(socket_in(directory_)); };
  wait_until([&] { return serves() || !containerd_.running(); }, 30s);
  if (!serves()) throw failure("does not start", "");
}

Containerd::~Containerd() {
  while (!pods_.empty()) {
    const std::string pod = pods_.begin()->first;
    try {
      remove(pod);
    } catch (const LabError& error) {
      std::fprintf(stderr, "lab: %s\n", error.what());
      pods_.erase(pod);
    }
  }
  containerd_.stop();
}

LabError Containerd::failure(const std::string& what, const std::string& said) const {
  return LabError("containerd of " + node_ + " " + what + "\n" + said + "the end of its log:\n" +
                  last_lines(log(), 20));
}

// ctr itself calls the plugins: in the node's network namespace (the caller's affair), in
// containerd's mount namespace, and with an iptables that works.
std::vector<std::string> Containerd::ctr(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words{"nsenter",     "--target",  std::to_string(containerd_.pid()),
                                 "--mount",     "env",       path_with(release_),
                                 "ctr",         "--address", socket_in(directory_),
                                 "--namespace", node_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

Result Containerd::ask(const std::vector<std::string>& arguments) const {
  std::string command = "exec";
  for (const std::string& word : ctr(arguments)) command += " " + shell_word(word);
  return sh_in(node_, command);
}

void Containerd::run(const std::string& name, const std::vector<std::string>& command,
                     Seconds limit) {
  if (pods_.contains(name)) throw LabError("containerd of " + node_ + " runs a pod " + name);
  make_root(root(name));
  const std::string pid_file = directory_ + "/" + name + ".pid";
  const std::string log = log_dir_ + "/" + node_ + "-ctr-" + name + ".log";
  fs::remove(pid_file);
  fs::remove(log);
  std::vector<std::string> arguments = run_arguments(pid_file);
  arguments.insert(arguments.end(), {root(name), name});
  arguments.insert(arguments.end(), command.begin(), command.end());
  Pod& pod = pods_.emplace(name, Pod{.ctr = Process(ctr(arguments), log, node_)}).first->second;
  // The process is there from before ADD; it becomes the command afterwards.
  const auto runs = [&] {
    pod.pid = pid_in(pid_file);
    return pod.pid > 0 &&
           file_text("/proc/" + std::to_string(pod.pid) + "/cmdline") == command_line(command);
  };
  wait_until([&] { return runs() || !pod.ctr.running(); }, limit);
  if (runs()) return;
  const LabError error = failure("cannot run pod " + name, pod.ctr.output());
  clear(name);
  throw error;
}

// ctr 1.6 does not delete a task that was made and never started.
void Containerd::clear(const std::string& name) {
  ask({"task", "delete", "--force", name});
  pods_.at(name).ctr.wait();
  pods_.erase(name);
  ask({"container", "delete", name});
}

Result Containerd::exec(const std::string& pod, const std::string& command) {
  static_cast<void>(pid(pod));
  const std::string id = "exec-" + std::to_string(++executed_);
  return ask({"task", "exec", "--exec-id", id, pod, "sh", "-c", command});
}

void Containerd::remove(const std::string& pod) {
  static_cast<void>(pid(pod));
  const Result killed = ask({"task", "kill", "--signal", "SIGKILL", pod});
  Process& ctr = pods_.at(pod).ctr;
  const bool ended = ctr.wait(60s).has_value();
  const std::string said = killed.output + ctr.output();
  pods_.erase(pod);
  // What a plugin says to DEL is no error for `ctr run`, which has an exit status of its own.
  if (!ended || said.find("network remove error") != said.npos) {
    throw failure("cannot remove pod " + pod, said);
  }
}

pid_t Containerd::pid(const std::string& pod) const {
  const auto found = pods_.find(pod);
  if (found == pods_.end()) throw LabError("containerd of " + node_ + " runs no pod " + pod);
  return found->second.pid;
}

// gRPC by hand: a message is a byte 0, its length in four bytes, and its fields; StatusRequest has
// none that are needed. In the answer a condition is its type as (1, text), whether it holds as (2,
// 1), reason and message as (3 and 4, text).
std::string Containerd::network_obstacle() const {
  const std::string answer = must_in(
      node_, "printf '\\0\\0\\0\\0\\0' | curl -sS -m 20 --http2-prior-knowledge --unix-socket " +
                 shell_word(socket_in(directory_)) +
                 " -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- "
                 "http://localhost/runtime.v1.RuntimeService/Status");
  const std::string type = "NetworkReady";
  const size_t found = answer.find(type);
  if (found == answer.npos) throw failure("tells nothing of its network", answer);
  const std::string rest = answer.substr(found + type.size());
  return rest.starts_with("\x10\x01") ? "" : rest;
}

std::vector<std::string> Containerd::containers() const {
  const Result list = ask({"containers", "list", "--quiet"});
  if (!list.ok()) throw failure("does not list its containers", list.output);
  std::istringstream lines(list.output);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

}  // namespace pellicle::lab
