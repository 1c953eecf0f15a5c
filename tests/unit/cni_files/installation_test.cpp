#include "agent/cni/installation.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
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
  CniInstallation installation() const { return {settings, "/run/pellicle.sock"}; }
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
  auto cni = host.installation();
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
  auto cni = host.installation();
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
  auto cni = host.installation();
  host.write("/bin/bandwidth", "x");
  cni.bring_about();
  CHECK(cni.chained() == std::vector<std::string>{"bandwidth"});
  host.write("/bin/portmap", "x");
  cni.bring_about();
  CHECK(cni.chained() == std::vector<std::string>{"portmap", "bandwidth"});
  const auto json = nlohmann::json::parse(text_of(host.conflist));
  CHECK(json["plugins"][1]["capabilities"]["portMappings"] == true);
  CHECK(json["plugins"][2]["capabilities"]["bandwidth"] == true);
  CHECK(json["plugins"][0]["capabilities"]["bandwidth"] == true);
  CHECK(json["disableCheck"] == true);
  CHECK_FALSE(json.contains("cniVersions"));
}

TEST_CASE("installation: another CNI's configuration stays, and is a problem when it comes first") {
  const Host host;
  host.write("/net.d/10-kindnet.conflist", "{}");
  host.write("/net.d/README", "no configuration");
  auto cni = host.installation();
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
  auto cni = host.installation();
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
  CniInstallation cni({.conf_dir = "", .bin_dir = host.settings.bin_dir}, "/run/pellicle.sock");
  cni.bring_about();
  CHECK_FALSE(cni.installed());
  CHECK(cni.problems().empty());
  CHECK_FALSE(fs::exists(host.settings.bin_dir));
}

TEST_CASE("installation: uninstalling takes both and nothing else") {
  const Host host;
  host.write("/net.d/10-kindnet.conflist", "{}");
  host.write("/bin/portmap", "x");
  host.installation().bring_about();
  CHECK(uninstall_cni(host.settings, true) == std::vector{host.conflist, host.plugin});
  CHECK(fs::exists(host.conflist));
  CHECK(uninstall_cni(host.settings, false) == std::vector{host.conflist, host.plugin});
  CHECK_FALSE(fs::exists(host.conflist));
  CHECK_FALSE(fs::exists(host.plugin));
  CHECK(fs::exists(host.settings.bin_dir + "/portmap"));
  CHECK(uninstall_cni(host.settings, false).empty());
}

}  // namespace this_file
