// The pods of the lab, and the search for keys in the files that it keeps.
#include <cctype>
#include <filesystem>
#include <sstream>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

namespace {

// Does anything listen on TCP port 80 in the network namespace of this process?
bool listens_on_80(pid_t pid) {
  for (const char* file : {"/net/tcp", "/net/tcp6"}) {
    std::istringstream lines(file_text("/proc/" + std::to_string(pid) + file));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string number, local, remote, state;
      words >> number >> local >> remote >> state;
      if (local.ends_with(":0050") && state == "0A") return true;
    }
  }
  return false;
}

// The hexadecimal words of a key line that are long enough to be a key, without 0x.
std::vector<std::string> key_words(const std::string& key_line) {
  std::vector<std::string> keys;
  std::istringstream words(key_line);
  for (std::string word; words >> word;) {
    if (word.starts_with("0x")) word.erase(0, 2);
    if (word.size() >= 32 && word.find_first_not_of("0123456789abcdefABCDEF") == word.npos) {
      keys.push_back(word);
    }
  }
  return keys;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string raw_bytes(const std::string& hex) {
  std::string bytes;
  for (size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

std::string http_url(const std::string& address, int port) {
  const bool ipv6 = address.find(':') != address.npos;
  return "http://" + (ipv6 ? "[" + address + "]" : address) +
         (port == 80 ? "" : ":" + std::to_string(port)) + "/";
}

void add_client_page(const std::string& server) {
  const std::string folder = "/run/lab/www/" + server + "/cgi-bin";
  std::filesystem::create_directories(folder);
  write_file(folder + "/client",
             "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n"
             "client=${REMOTE_ADDR#\\[}; client=${client#::ffff:}; echo \"${client%]}\"\n");
  std::filesystem::permissions(folder + "/client", std::filesystem::perms::all);
}

const Lab::Pod& Lab::pod(const std::string& name) const {
  const auto found = pods_.find(name);
  if (found == pods_.end()) throw LabError("the lab has no pod " + name);
  return found->second;
}

void Lab::add_pod(const std::string& node, const std::string& name, const std::string& address) {
  add_pod(node, name, std::vector<std::string>{address});
}

void Lab::add_pod(const std::string& node, const std::string& name,
                  const std::vector<std::string>& addresses) {
  must("ip netns add " + name);
  const std::string id = node + "/" + name;
  agent(node).ask(
      "pod-add",
      {{"id", id}, {"name", name}, {"netns", "/run/netns/" + name}, {"addresses", addresses}});
  pods_.emplace(name, Pod{.node = node, .id = id, .address = addresses.front(), .server = {}});
}

void Lab::delete_pod(const std::string& name) {
  const Pod& leaving = pod(name);
  agent(leaving.node).ask("pod-delete", {{"id", leaving.id}});
  pods_.erase(name);
  must("ip netns del " + name);
}

void Lab::serve_http(const std::string& name) {
  Pod& server = pods_.at(name);
  const std::string root = "/run/lab/www/" + name;
  std::filesystem::create_directories(root);
  write_file(root + "/index.html",
             "PodName: " + name + " | PodIP: eth0 " + server.address + "/32\n");
  server.server.emplace(std::vector<std::string>{"busybox", "httpd", "-f", "-p", "80", "-h", root},
                        log_dir_ + "/" + name + "-httpd.log", name);
  if (!wait_until([&] { return listens_on_80(server.server->pid()); })) {
    throw LabError("no HTTP server in pod " + name + ": " + server.server->output());
  }
}

void Lab::serve_http_on_nodes(int port) {
  for (const NodeSpec& node : network_->nodes()) {
    const std::string root = "/run/lab/www/" + node.name;
    std::filesystem::create_directories(root);
    write_file(root + "/index.html", node.name + "\n");
    const Process& server = node_servers_.emplace_back(
        std::vector<std::string>{"busybox", "httpd", "-f", "-p", std::to_string(port), "-h", root},
        log_dir_ + "/" + node.name + "-httpd.log", node.name);
    const std::string self = http_url("127.0.0.1", port);
    if (!wait_until([&] { return http_get(node.name, self).ok(); })) {
      throw LabError("no HTTP server on node " + node.name + ": " + server.output());
    }
  }
}

Result Lab::http_get(const std::string& netns, const std::string& url) {
  return sh_in(netns, "curl --silent --show-error --max-time " +
                          std::to_string(patience(5s).count()) + " " + shell_word(url));
}

Result Lab::ping(const std::string& netns, const std::string& address, int count) {
  return sh_in(netns, "ping -i 0.2 -W " + std::to_string(patience(2s).count()) + " -c " +
                          std::to_string(count) + " " + address);
}

Result Lab::in_pod(const std::string& name, const std::string& command) {
  static_cast<void>(pod(name));
  return sh_in(name, command);
}

std::vector<std::string> Lab::files_with_the_key() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(log_dir_)) {
    if (!entry.is_regular_file()) continue;
    const std::string text = file_text(entry.path().string());
    const std::string lowered = lower(text);
    for (const std::string& key : key_words(options_.key_line)) {
      const bool there = lowered.find(lower(key)) != std::string::npos ||
                         text.find(raw_bytes(key)) != std::string::npos;
      if (there) found.push_back(entry.path().string());
    }
  }
  return found;
}

}  // namespace pellicle::lab
