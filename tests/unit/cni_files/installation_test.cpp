#include "agent/cni/installation.h"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <sstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
namespace fs = std::filesystem;

namespace {

struct Host {
  TemporaryDirectory directory;
  CniSettings settings{.conf_dir = directory.path() + "/net.d",
                       .bin_dir = directory.path() + "/bin",
                       .plugin = directory.path() + "/plugin"};
  std::string conflist = settings.conf_dir + "/05-pellicle.conflist";
  std::string plugin = settings.bin_dir + "/pellicle-cni";

  Host() { write("/plugin", "the plugin"); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(directory.path() + name).parent_path());
    std::ofstream(directory.path() + name) << text;
  }
  // Its plugins say that they speak what stands in their files, "silent" that they do not answer.
  static PluginAnswer answer(const std::string& path, const std::stop_token& /*stop*/) {
    std::ifstream file(path);
    PluginAnswer answer;
    for (std::string word; file >> word;) {
      if (word == "silent") return {.trouble = "no end after 5 seconds"};
      if (word == "mended") answer.release = {1, 9, 1};
      answer.versions.push_back(word);
    }
    return answer;
  }
};

// One whose plugins answer when the test waits for it.
struct Installation {
  std::counting_semaphore<> answered{0};
  CniInstallation cni;

  explicit Installation(const Host& host)
      : cni(
            host.settings, "/run/pellicle.sock", [this] { answered.release(); }, Host::answer) {}

  // As often as the agent is told that plugins have answered.
  bool bring_about() {
    bool written = cni.bring_about();
    while (cni.asking()) {
      REQUIRE(answered.try_acquire_for(std::chrono::seconds(30)));
      written = cni.bring_about() || written;
    }
    return written;
  }
  nlohmann::json list() const {
    std::ifstream file(cni.file());
    return nlohmann::json::parse(file);
  }
};

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

ino_t inode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_ino;
}

}  // namespace

TEST_CASE("installation: plugin and configuration are there, for everybody to read") {
  const Host host;
  Installation installation(host);
  auto& cni = installation.cni;
  CHECK_FALSE(cni.installed());
  cni.bring_about();
  CHECK(cni.installed());
  CHECK(cni.problems().empty());
  CHECK(text_of(host.plugin) == "the plugin");
  CHECK(mode_of(host.plugin) == 0755);
  CHECK(mode_of(host.conflist) == 0644);
  const auto json = nlohmann::json::parse(text_of(host.conflist));
  CHECK(json["cniVersion"] == "1.0.0");
  CHECK(json["cniVersions"] == nlohmann::json{"1.0.0", "1.1.0"});
  CHECK_FALSE(json.contains("disableCheck"));
  CHECK(json["name"] == "pellicle");
  REQUIRE(json["plugins"].size() == 1);
  CHECK(json["plugins"][0]["type"] == "pellicle-cni");
  CHECK(json["plugins"][0]["socket"] == "/run/pellicle.sock");
  CHECK(json["plugins"][0]["capabilities"] ==
        nlohmann::json{{"ips", true}, {"io.kubernetes.cri.pod-annotations", true}});
}

TEST_CASE("installation: what is right is left alone, what differs is replaced whole") {
  const Host host;
  Installation installation(host);
  auto& cni = installation.cni;
  cni.bring_about();
  const auto before = std::pair(inode_of(host.plugin), inode_of(host.conflist));
  cni.bring_about();
  CHECK(std::pair(inode_of(host.plugin), inode_of(host.conflist)) == before);
  host.write("/bin/pellicle-cni", "older");
  fs::remove(host.conflist);
  cni.bring_about();
  CHECK(text_of(host.plugin) == "the plugin");
  CHECK(fs::exists(host.conflist));
  CHECK(std::distance(fs::directory_iterator(host.settings.conf_dir), {}) == 1);
  CHECK(std::distance(fs::directory_iterator(host.settings.bin_dir), {}) == 1);
}

TEST_CASE("installation: plugins are chained while they are there") {
  const Host host;
  Installation installation(host);
  auto& cni = installation.cni;
  host.write("/bin/bandwidth", "0.4.0 1.0.0");
  CHECK(installation.bring_about());
  CHECK(cni.chained() == std::vector<std::string>{"bandwidth"});
  CHECK(cni.missing() == std::vector<std::string>{"portmap"});
  host.write("/bin/portmap", "0.4.0 1.0.0 1.1.0");
  CHECK(installation.bring_about());
  CHECK_FALSE(installation.bring_about());
  CHECK(cni.chained() == std::vector<std::string>{"portmap", "bandwidth"});
  CHECK(cni.missing().empty());
  CHECK(cni.problems().empty());
  const auto json = installation.list();
  CHECK(json["plugins"][1]["capabilities"]["portMappings"] == true);
  CHECK(json["plugins"][2]["capabilities"]["bandwidth"] == true);
  CHECK(json["plugins"][0]["capabilities"]["bandwidth"] == true);
  CHECK(json["disableCheck"] == true);
  CHECK(json["cniVersion"] == "1.0.0");
  CHECK_FALSE(json.contains("cniVersions"));
}

TEST_CASE(
    "installation: the list offers what the plugins speak, and follows them when they change") {
  const Host host;
  Installation installation(host);
  host.write("/bin/portmap", "1.0.0 1.1.0");
  host.write("/bin/bandwidth", "0.4.0 1.0.0 1.1.0 mended");
  installation.bring_about();
  CHECK(installation.list()["cniVersion"] == "1.0.0");
  CHECK(installation.list()["cniVersions"] == nlohmann::json{"1.0.0", "1.1.0"});
  CHECK_FALSE(installation.list().contains("disableCheck"));
  CHECK(installation.cni.versions() == std::vector<std::string>{"1.0.0", "1.1.0"});
  host.write("/bin/portmap", "0.4.0");
  installation.bring_about();
  CHECK(installation.list()["cniVersion"] == "0.4.0");
  CHECK_FALSE(installation.list().contains("cniVersions"));
  fs::remove(host.settings.bin_dir + "/portmap");
  installation.bring_about();
  CHECK(installation.list()["cniVersions"] == nlohmann::json{"1.0.0", "1.1.0"});
}

TEST_CASE(
    "installation: a plugin that does not answer is a problem, and the list is the safe one") {
  const Host host;
  Installation installation(host);
  host.write("/bin/portmap", "1.0.0 1.1.0");
  host.write("/bin/bandwidth", "silent");
  installation.bring_about();
  CHECK(installation.cni.installed());
  CHECK(installation.list()["cniVersion"] == "1.0.0");
  CHECK_FALSE(installation.list().contains("cniVersions"));
  CHECK(installation.list()["disableCheck"] == true);
  REQUIRE(installation.cni.problems().size() == 1);
  CHECK(installation.cni.problems()[0].object ==
        "CNI plugin " + host.settings.bin_dir + "/bandwidth");
  host.write("/bin/bandwidth", "1.0.0 1.1.0");
  installation.bring_about();
  CHECK(installation.cni.problems().empty());
}

TEST_CASE("installation: a list that is there stays as it is while a plugin is being asked") {
  const Host host;
  host.write("/bin/portmap", "1.0.0");
  host.write("/net.d/05-pellicle.conflist", "the last agent's");
  std::promise<void> go;
  std::counting_semaphore<> answered{0};
  CniInstallation cni(
      host.settings, "/run/pellicle.sock", [&] { answered.release(); },
      [&](const std::string& path, const std::stop_token& stop) {
        go.get_future().wait();
        return Host::answer(path, stop);
      });
  CHECK_FALSE(cni.bring_about());
  CHECK(cni.asking());
  CHECK_FALSE(cni.installed());
  CHECK(cni.problems().empty());
  CHECK(text_of(host.plugin) == "the plugin");
  CHECK(text_of(host.conflist) == "the last agent's");
  go.set_value();
  REQUIRE(answered.try_acquire_for(std::chrono::seconds(30)));
  CHECK(cni.bring_about());
  CHECK_FALSE(cni.asking());
  CHECK(cni.installed());
  CHECK(nlohmann::json::parse(text_of(host.conflist))["cniVersion"] == "1.0.0");
}

TEST_CASE("installation: another CNI's configuration stays, and is a problem when it comes first") {
  const Host host;
  host.write("/net.d/10-kindnet.conflist", "{}");
  host.write("/net.d/README", "no configuration");
  Installation installation(host);
  auto& cni = installation.cni;
  cni.bring_about();
  CHECK(cni.others() == std::vector<std::string>{"10-kindnet.conflist"});
  CHECK(cni.problems().empty());
  host.write("/net.d/00-other.conf", "{}");
  cni.bring_about();
  REQUIRE(cni.problems().size() == 1);
  CHECK(cni.problems()[0].to_string().find("/net.d/00-other.conf") != std::string::npos);
  CHECK(text_of(host.settings.conf_dir + "/00-other.conf") == "{}");
  fs::remove(host.settings.conf_dir + "/00-other.conf");
  cni.bring_about();
  CHECK(cni.problems().empty());
}

TEST_CASE("installation: what cannot be installed is a problem with its path, and is tried again") {
  const Host host;
  Installation installation(host);
  auto& cni = installation.cni;
  fs::remove(host.settings.plugin);
  cni.bring_about();
  CHECK_FALSE(cni.installed());
  REQUIRE(cni.problems().size() == 1);
  CHECK(cni.problems()[0].sentence.find(host.settings.plugin) != std::string::npos);
  CHECK_FALSE(fs::exists(host.conflist));  // a runtime that finds it would call a missing plugin
  host.write("/plugin", "the plugin");
  host.write("/net.d", "a file where the folder should be");
  cni.bring_about();
  CHECK(cni.problems()[0].sentence.find("net.d") != std::string::npos);
  fs::remove(host.settings.conf_dir);
  cni.bring_about();
  CHECK(cni.installed());
}

TEST_CASE("installation: no folder, nothing is installed") {
  const Host host;
  CniInstallation cni({.conf_dir = "", .bin_dir = host.settings.bin_dir}, "/run/pellicle.sock",
                      [] {});
  cni.bring_about();
  CHECK_FALSE(cni.installed());
  CHECK(cni.problems().empty());
  CHECK_FALSE(fs::exists(host.settings.bin_dir));
}

TEST_CASE("installation: uninstalling takes both and nothing else") {
  const Host host;
  host.write("/net.d/10-kindnet.conflist", "{}");
  host.write("/bin/portmap", "1.0.0");
  Installation(host).bring_about();
  CHECK(uninstall_cni(host.settings, true) == std::vector{host.conflist, host.plugin});
  CHECK(fs::exists(host.conflist));
  CHECK(uninstall_cni(host.settings, false) == std::vector{host.conflist, host.plugin});
  CHECK_FALSE(fs::exists(host.conflist));
  CHECK_FALSE(fs::exists(host.plugin));
  CHECK(fs::exists(host.settings.bin_dir + "/portmap"));
  CHECK(uninstall_cni(host.settings, false).empty());
}

}  // namespace this_file
