#include "agent/preflight/settings.h"

#include <filesystem>
#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

constexpr const char* kAll = "net/ipv4/conf/all/rp_filter";

void write(const TemporaryDirectory& root, const std::string& path, const std::string& text) {
  const std::filesystem::path file(root.path() + path);
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("preflight: sysctl.d's lines are read as sysctl reads them") {
  const TemporaryDirectory root;
  write(root, "/etc/sysctl.d/90-a.conf",
        "# net.ipv4.conf.all.rp_filter = 7\n\n-net.ipv4.conf.all.rp_filter = 1\n"
        "net/ipv4/conf/eth0.100/rp_filter=2\nnet.ipv4.conf.eth0/200.rp_filter=1\n"
        "net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.lo.rp_filter\n");
  write(root, "/usr/lib/sysctl.d/90-a.conf", "net.ipv4.ip_forward = 0\n");          // hidden
  write(root, "/usr/lib/sysctl.d/50-b.conf", "net.ipv4.conf.all.rp_filter = 3\n");  // earlier
  write(root, "/usr/lib/sysctl.d/60-README", "net.ipv4.conf.all.rp_filter = 4\n");
  const auto lines = read_sysctl_files(root.path());
  CHECK(lines.size() == 3);
  CHECK(lines.at(kAll).file == "/etc/sysctl.d/90-a.conf");
  CHECK(lines.at(kAll).line == 3);
  CHECK(lines.at(kAll).value == "1");
  CHECK(lines.at("net/ipv4/conf/eth0.100/rp_filter").value == "2");
  CHECK(lines.at("net/ipv4/conf/eth0.200/rp_filter").value == "1");
  write(root, "/etc/sysctl.conf", "net.ipv4.conf.all.rp_filter=2");
  CHECK(read_sysctl_files(root.path()).at(kAll).file == "/etc/sysctl.conf");
  CHECK(read_sysctl_files(root.path() + "/nowhere").empty());
}

TEST_CASE("preflight: a setting that the agent will change is fine, where it may") {
  const auto judge = [](std::optional<std::string> value, bool writable) {
    return judge_setting({.path = kAll, .wanted = "0", .value = value, .writable = writable}, {});
  };
  CHECK(judge("0", true).found == "0");
  CHECK(judge("2", true).found == "2; the agent sets 0");
  CHECK(judge("2", true).verdict == Verdict::ok);
  CHECK(judge(std::nullopt, true).found == "not in this kernel");
  CHECK(judge(std::nullopt, true).verdict == Verdict::ok);
  CHECK(judge("2", false).verdict == Verdict::fail);
  CHECK(judge("0", false).verdict == Verdict::ok);  // nothing is to be set
}

TEST_CASE("preflight: who else sets a setting is named with file and line") {
  const auto judge = [](const std::string& other) {
    return judge_setting({.path = kAll, .wanted = "0", .value = "0"},
                         {{kAll, {.file = "/etc/sysctl.d/a.conf", .line = 3, .value = other}}});
  };
  CHECK(judge("0").verdict == Verdict::ok);
  CHECK(judge("1").verdict == Verdict::warn);
  CHECK(judge("1").found == "0; /etc/sysctl.d/a.conf, line 3, sets 1");
}

TEST_CASE("preflight: settings are those of the agent's table, for all devices and the uplink") {
  size_t of_uplink = 0;
  for (const auto& facts : read_settings("lo")) {
    if (facts.path.find("/lo/") != facts.path.npos) ++of_uplink;
    CHECK_FALSE(facts.wanted.empty());
  }
  CHECK(of_uplink == 4);
  CHECK(read_settings("lo").size() == 7);
  CHECK(read_settings("").size() == 3);
}

}  // namespace this_file
