#include "tests/harness/lab/cni_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/lab/spawn.h"

namespace pellicle::lab {

namespace {

using Json = nlohmann::json;

constexpr const char* kNamespaces = "/run/netns/";

std::string list_text(const Json& list, const char* key) {
  const auto found = list.find(key);
  if (found == list.end() || !found->is_string()) {
    throw LabError(std::string("the CNI configuration list has no text \"") + key + "\"");
  }
  return found->get<std::string>();
}

// The part of the wishes that a plugin has the capabilities for.
Json runtime_config(const Json& plugin, const Json& wishes) {
  Json config = Json::object();
  const auto capabilities = plugin.find("capabilities");
  if (capabilities == plugin.end()) return config;
  for (auto wish = wishes.begin(); wish != wishes.end(); ++wish) {
    if (capabilities->value(wish.key(), false)) config[wish.key()] = wish.value();
  }
  return config;
}

// "Deriving execution configuration from plugin configuration", section 3 of the specification.
Json execution_config(const Json& list, const Json& plugin, const Json& wishes) {
  Json config = plugin;
  config.erase("capabilities");
  config["cniVersion"] = list_text(list, "cniVersion");
  config["name"] = list_text(list, "name");
  const Json wanted = runtime_config(plugin, wishes);
  if (!wanted.empty()) config["runtimeConfig"] = wanted;
  return config;
}

// Files in memory for stdin, stdout and stderr: nobody has to feed or drain them meanwhile.
FileDescriptor memory_file(const std::string& text) {
  FileDescriptor file(memfd_create("cni", MFD_CLOEXEC));
  if (!file ||
      pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw LabError(std::string("cannot make a file in memory: ") + std::strerror(errno));
  }
  return file;
}

std::string whole_text(const FileDescriptor& file) {
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::string text(static_cast<size_t>(size), '\0');
  const ssize_t n = pread(file.get(), text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return text;
}

// Ours without CNI's, which a test may be run with, and with iptables as the guest can use it.
std::vector<std::string> plugin_environment(const std::map<std::string, std::string>& cni) {
  std::vector<std::string> variables{"PATH=" + path_with_legacy_iptables()};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (variable.starts_with("CNI_") || variable.starts_with("PATH=")) continue;
    variables.emplace_back(variable);
  }
  for (const auto& [name, value] : cni) {
    std::string& variable = variables.emplace_back(name);
    variable.append("=").append(value);
  }
  return variables;
}

struct Streams {
  FileDescriptor input;
  FileDescriptor output;
  FileDescriptor errors;
};

// False after `limit`; the plugin and what it started are then killed.
bool wait_for_end(pid_t pid, Seconds limit) {
  // glibc 2.36's <sys/pidfd.h> is for C alone.
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  if (poll(&ended, 1, static_cast<int>(limit.count() * 1000)) > 0) return true;
  kill(-pid, SIGKILL);
  return false;
}

int bind_new_netns(const std::string& path) {
  if (unshare(CLONE_NEWNET) != 0) return errno;
  return mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) == 0 ? 0 : errno;
}

}  // namespace

int CniAnswer::code() const {
  return result.is_object() ? result.value("code", 0) : 0;
}

std::vector<std::string> CniAnswer::addresses() const {
  std::vector<std::string> addresses;
  if (!result.is_object() || !result.contains("ips")) return addresses;
  for (const Json& ip : result.at("ips")) {
    const std::string address = ip.at("address").get<std::string>();
    addresses.push_back(address.substr(0, address.find('/')));
  }
  return addresses;
}

std::string CniAnswer::text() const {
  return plugin + ": status " + std::to_string(status) + "\n" + output + errors;
}

CniAnswer call_plugin(const CniCall& call, Seconds limit) {
  const Streams streams{
      .input = memory_file(call.input), .output = memory_file(""), .errors = memory_file("")};
  const pid_t pid = spawn({.arguments = {call.plugin},
                           .netns = call.node,
                           .output_file = {},
                           .output = streams.output.get(),
                           .errors = streams.errors.get(),
                           .input = streams.input.get(),
                           .environment = plugin_environment(call.cni)});
  const bool ended = wait_for_end(pid, limit);
  int status = 0;
  waitpid(pid, &status, 0);
  CniAnswer answer{.status = ended ? exit_status(status) : 124,
                   .plugin = std::filesystem::path(call.plugin).filename().string(),
                   .output = whole_text(streams.output),
                   .errors = whole_text(streams.errors),
                   .result = nullptr};
  Json result = Json::parse(answer.output, nullptr, false);
  if (!result.is_discarded()) answer.result = std::move(result);
  return answer;
}

CniRuntime::CniRuntime(std::string node, std::string bin_dir, nlohmann::json list)
    : node_(std::move(node)), bin_dir_(std::move(bin_dir)), list_(std::move(list)) {
  const auto plugins = list_.find("plugins");
  if (plugins == list_.end() || !plugins->is_array() || plugins->empty()) {
    throw LabError("the CNI configuration list has no \"plugins\"");
  }
}

CniAnswer CniRuntime::call(const std::string& verb, const Json& plugin, const CniPod* pod,
                           const Json& more) const {
  const Json wishes = pod != nullptr ? pod->wishes : Json::object();
  Json config = execution_config(list_, plugin, wishes);
  config.update(more);
  CniCall call{.node = node_,
               .plugin = bin_dir_ + "/" + list_text(plugin, "type"),
               .input = config.dump(),
               .cni = {{"CNI_COMMAND", verb}, {"CNI_PATH", bin_dir_}}};
  if (pod != nullptr) {
    call.cni["CNI_CONTAINERID"] = pod->id;
    call.cni["CNI_NETNS"] = pod->netns;
    call.cni["CNI_IFNAME"] = pod->ifname;
    if (!pod->args.empty()) call.cni["CNI_ARGS"] = pod->args;
  }
  return call_plugin(call);
}

CniAnswer CniRuntime::add(const CniPod& pod) {
  CniAnswer answer;
  Json more = Json::object();
  for (const Json& plugin : list_.at("plugins")) {
    answer = call("ADD", plugin, &pod, more);
    if (!answer.ok()) return answer;
    more = {{"prevResult", answer.result}};
  }
  const std::lock_guard lock(mutex_);
  results_[{pod.id, pod.ifname}] = answer.result;
  return answer;
}

CniAnswer CniRuntime::check(const CniPod& pod) {
  CniAnswer answer;
  if (list_.value("disableCheck", false)) return answer;
  const Json more = kept(pod);
  for (const Json& plugin : list_.at("plugins")) {
    answer = call("CHECK", plugin, &pod, more);
    if (!answer.ok()) return answer;
  }
  return answer;
}

CniAnswer CniRuntime::remove(const CniPod& pod) {
  CniAnswer answer;
  const Json more = kept(pod);
  const Json& plugins = list_.at("plugins");
  for (auto plugin = plugins.rbegin(); plugin != plugins.rend(); ++plugin) {
    answer = call("DEL", *plugin, &pod, more);
    if (!answer.ok()) return answer;
  }
  const std::lock_guard lock(mutex_);
  results_.erase({pod.id, pod.ifname});
  return answer;
}

CniAnswer CniRuntime::collect(const std::vector<CniPod>& valid) {
  CniAnswer answer;
  Json attachments = Json::array();
  for (const CniPod& pod : valid) {
    attachments.push_back({{"containerID", pod.id}, {"ifname", pod.ifname}});
  }
  for (const Json& plugin : list_.at("plugins")) {
    answer = call("GC", plugin, nullptr, {{"cni.dev/valid-attachments", attachments}});
    if (!answer.ok()) return answer;
  }
  return answer;
}

CniAnswer CniRuntime::status() {
  CniAnswer answer;
  for (const Json& plugin : list_.at("plugins")) {
    answer = call("STATUS", plugin, nullptr, Json::object());
    if (!answer.ok()) return answer;
  }
  return answer;
}

// What CHECK and DEL are told of the ADD.
Json CniRuntime::kept(const CniPod& pod) {
  const std::lock_guard lock(mutex_);
  const auto found = results_.find({pod.id, pod.ifname});
  Json more = Json::object();
  if (found != results_.end()) more["prevResult"] = found->second;
  return more;
}

void install_plugins(const std::string& bin_dir, const std::vector<std::string>& types) {
  const std::filesystem::path debian = "/usr/lib/cni";
  std::filesystem::create_directories(bin_dir);
  for (const std::string& type : types) {
    std::filesystem::copy_file(debian / type, std::filesystem::path(bin_dir) / type,
                               std::filesystem::copy_options::overwrite_existing);
  }
}

nlohmann::json conflist_in(const std::string& conf_dir) {
  const std::string path = conf_dir + "/05-pellicle.conflist";
  Json list;
  const auto readable = [&] {
    list = Json::parse(file_text(path), nullptr, false);
    return !list.is_discarded();
  };
  if (!wait_until(readable)) throw LabError(path + " does not appear or is no JSON");
  return list;
}

std::string make_netns(const std::string& name) {
  std::string path = kNamespaces + name;
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!file) throw LabError("cannot make " + path + ": " + std::strerror(errno));
  int error = 0;
  // The thread's namespace is a new one from then on.
  std::thread([&] { error = bind_new_netns(path); }).join();
  if (error != 0) {
    std::filesystem::remove(path);
    throw LabError("cannot make " + path + ": " + std::strerror(error));
  }
  return path;
}

void remove_netns(const std::string& name) {
  const std::string path = kNamespaces + name;
  umount2(path.c_str(), MNT_DETACH);
  std::filesystem::remove(path);
}

std::string path_with_legacy_iptables() {
  static const std::string folder = [] {
    const std::filesystem::path made = "/run/lab/legacy-iptables";
    std::filesystem::create_directories(made);
    const std::map<std::string, std::string> links{
        {"iptables", "/usr/sbin/iptables-legacy"},
        {"iptables-save", "/usr/sbin/iptables-legacy-save"},
        {"iptables-restore", "/usr/sbin/iptables-legacy-restore"},
        {"ip6tables", "/bin/false"}};
    for (const auto& [link, target] : links) {
      std::filesystem::remove(made / link);
      std::filesystem::create_symlink(target, made / link);
    }
    return made.string();
  }();
  const char* path = std::getenv("PATH");
  return folder + ":" + (path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
}

}  // namespace pellicle::lab
