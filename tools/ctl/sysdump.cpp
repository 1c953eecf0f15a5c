#include "tools/ctl/sysdump.h"

#include <sys/utsname.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "agent/clock.h"
#include "agent/kernel/command.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/reconcile/plan.h"
#include "tools/ctl/agent_socket.h"
#include "tools/ctl/status_text.h"

namespace pellicle::ctl {

namespace {

namespace fs = std::filesystem;

using Parts = std::map<std::string, std::string>;

constexpr size_t kShortestKey = 32;  // digits

// Includes objects of other programs. `nokeys` needs iproute2 4.20 or later.
const std::map<std::string, std::vector<std::string>> kCommands = {
    {"network/links.txt", {"ip", "-details", "link"}},
    {"network/addresses.txt", {"ip", "address"}},
    {"network/neighbours.txt", {"ip", "neighbour"}},
    {"network/rules.txt", {"ip", "rule"}},
    {"network/rules-ipv6.txt", {"ip", "-6", "rule"}},
    {"network/routes.txt", {"ip", "route", "show", "table", "all"}},
    {"network/routes-ipv6.txt", {"ip", "-6", "route", "show", "table", "all"}},
    {"network/xfrm-policies.txt", {"ip", "-statistics", "xfrm", "policy"}},
    {"network/xfrm-states.txt", {"ip", "-statistics", "xfrm", "state", "list", "nokeys"}},
    {"netfilter/iptables-legacy.txt", {"iptables-legacy-save", "-c"}},
    {"netfilter/iptables-nft.txt", {"iptables-nft-save", "-c"}},
    {"netfilter/ip6tables-legacy.txt", {"ip6tables-legacy-save", "-c"}},
    {"netfilter/ip6tables-nft.txt", {"ip6tables-nft-save", "-c"}},
};

const std::map<std::string, const char*> kFiles = {
    {"network/xfrm-statistics.txt", "/proc/net/xfrm_stat"},
    {"system/modules.txt", "/proc/modules"},
    {"system/mounts.txt", "/proc/self/mountinfo"},
    {"system/command-line.txt", "/proc/cmdline"},
};

// A failure becomes the part's content, because dumps are made when things are broken.
template <class Make>
std::string part(Make&& make) {
  try {
    return make();
  } catch (const std::exception& error) {
    return std::string("cannot be had: ") + error.what() + "\n";
  }
}

std::string file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error(path + " cannot be read");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string output(std::vector<std::string> command) {
  const auto program = find_executable(command.front());
  if (!program) throw std::runtime_error(command.front() + " is not installed");
  command.front() = *program;
  const auto result = run_command(command);
  return result.output + result.errors;
}

std::string kernel_objects(const SysdumpOptions& options) {
  LinuxKernel kernel({.state_dir = options.state_dir, .bpf_root = options.bpf_root});
  std::string text;
  for (const auto& operation : plan(kernel.dump(), {})) {
    // Strips the verb of "add route ...": the object exists already.
    const auto line = describe(operation);
    text += line.substr(line.find(' ') + 1) + "\n";
  }
  for (const auto& [reason, count] : kernel.datapath().drops()) {
    text.append("drops ").append(reason).append(": ");
    text.append(std::to_string(count.packets)).append(" packets\n");
  }
  return text;
}

std::string system_name() {
  utsname name{};
  uname(&name);
  std::string text;
  for (const char* word : {name.sysname, name.nodename, name.release, name.version, name.machine}) {
    text.append(text.empty() ? "" : " ").append(word);
  }
  return text + "\n";
}

void ask_agent(const SysdumpOptions& options, Parts& parts) {
  const auto answer = [&](const char* method) {
    return part([&] { return ask(options.socket, method).dump(2) + "\n"; });
  };
  parts["agent/status.json"] = answer("status");
  parts["agent/diff.json"] = answer("diff");
  parts["agent/encryption.json"] = answer("encrypt");
  parts["agent/endpoints.json"] = answer("pod-list");
  parts["agent/status.txt"] =
      part([&] { return status_text(ask(options.socket, "status"), false, true).text; });
}

}  // namespace

std::string without_keys(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  const auto digit = [&](size_t at) {
    return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (digit(end)) ++end;
    if (end - at >= kShortestKey) {
      clean += "(" + std::to_string(end - at) + " hexadecimal digits left out)";
    } else {
      clean += text.substr(at, end - at);
    }
    if (end < text.size()) clean += text[end++];
    at = end;
  }
  return clean;
}

Parts sysdump_parts(const SysdumpOptions& options) {
  Parts parts;
  parts["about.txt"] = "pellicle " PELLICLE_VERSION "\n" + now_text() + "\n" + system_name();
  ask_agent(options, parts);
  parts["kernel/objects.txt"] = part([&] { return kernel_objects(options); });
  for (const auto& [name, command] : kCommands) {
    parts[name] = part([&, &command = command] { return output(command); });
  }
  for (const auto& [name, path] : kFiles) {
    parts[name] = part([&, &path = path] { return file(path); });
  }
  for (const auto& path : options.files) {
    parts["files/" + fs::path(path).filename().string()] = part([&] { return file(path); });
  }
  for (auto& [name, text] : parts) text = without_keys(text);
  return parts;
}

void write_sysdump(const Parts& parts, const std::string& archive) {
  std::string folder = (fs::temp_directory_path() / "pellicle-sysdump.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
  const struct Folder {
    std::string path;
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } cleared{folder};
  const std::string top = "pellicle-sysdump";
  for (const auto& [name, text] : parts) {
    const auto path = fs::path(folder) / top / name;
    fs::create_directories(path.parent_path());
    std::ofstream stream(path, std::ios::binary);
    if (!(stream << text) || !stream.flush()) {
      throw std::runtime_error("cannot write " + path.string());
    }
  }
  const auto tar = find_executable("tar");
  if (!tar) throw std::runtime_error("tar is not installed");
  const auto result = run_command({*tar, "-C", folder, "-czf", archive, top});
  if (result.status != 0) throw std::runtime_error("tar: " + result.errors);
  if (archive == "-") std::cout << result.output << std::flush;
}

}  // namespace pellicle::ctl
