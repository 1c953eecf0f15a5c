#include "agent/kernel/module_block.h"

#include <filesystem>
#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

// A host's modprobe directories.
class Host {
 public:
  void write(const std::string& path, const std::string& text) {
    const auto file = std::filesystem::path(root_.path() + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  // "FILE:LINE TEXT"; empty: no file blocks the module.
  std::string block(const std::string& module = "esp4") const {
    const auto found = module_block(module, root_.path());
    return found ? found->file + ":" + std::to_string(found->line) + " " + found->text : "";
  }

 private:
  TemporaryDirectory root_;
};

}  // namespace

TEST_CASE("module block: the file and the line that forbid a module are found") {
  Host host;
  CHECK(host.block() == "");
  host.write("/etc/modprobe.d/README", "install esp4 /bin/false\n");
  host.write("/usr/lib/modprobe.d/a.conf", "# install esp4 /bin/false\noptions esp4 x=1\n");
  CHECK(host.block() == "");
  host.write("/etc/modprobe.d/b.conf", "\ninstall esp4 /bin/false\ninstall xfrm-user /bin/true\n");
  CHECK(host.block() == "/etc/modprobe.d/b.conf:2 install esp4 /bin/false");
  CHECK(host.block("xfrm_user") == "/etc/modprobe.d/b.conf:3 install xfrm-user /bin/true");
  CHECK(host.block("esp6") == "");
}

TEST_CASE("module block: blacklist forbids, an install line that loads the module does not") {
  Host host;
  host.write("/etc/modprobe.d/a.conf",
             "install esp4 /sbin/modprobe --ignore-install esp4 && echo loaded\n"
             "install esp6 \\\n  /bin/false\nblacklist esp6\n");
  CHECK(host.block() == "");
  CHECK(host.block("esp6") == "/etc/modprobe.d/a.conf:2 install esp6    /bin/false");
  host.write("/etc/modprobe.d/b.conf", "blacklist esp4\n");
  CHECK(host.block() == "/etc/modprobe.d/b.conf:1 blacklist esp4");
}

TEST_CASE("module block: a file hides one of its name in a later folder") {
  Host host;
  host.write("/usr/lib/modprobe.d/esp.conf", "install esp4 /bin/false\n");
  CHECK(host.block() == "/usr/lib/modprobe.d/esp.conf:1 install esp4 /bin/false");
  host.write("/etc/modprobe.d/esp.conf", "");
  CHECK(host.block() == "");
}

TEST_CASE("module block: of ESP it is said why, and whether the kernel is mended") {
  const ModuleBlock block{"/etc/modprobe.d/a.conf", 2, "install esp4 /bin/false"};
  const auto said = [&](const char* release) { return describe(block, "esp4", release); };
  CHECK_THAT(said("6.12.90"), Contains("/etc/modprobe.d/a.conf, line 2, forbids the module esp4 "
                                       "(\"install esp4 /bin/false\")"));
  for (const char* mended : {"6.6.138", "6.12.87", "6.12.113", "6.18.44-fc", "7.0.6", "7.2.1"}) {
    CHECK_THAT(said(mended), Contains(std::string("this kernel (") + mended + ") has it"));
  }
  for (const char* open : {"6.6.137", "6.12.86", "7.0.5"}) {
    CHECK_THAT(said(open), Contains(") does not"));
  }
  for (const char* unknown :
       {"6.1.0-57-amd64", "6.12.86+deb13-amd64", "5.14.0-503.el9.x86_64", "6.8.12", "odd", ""}) {
    CHECK_THAT(said(unknown), Contains("its vendor knows"));
  }
  CHECK(describe(block, "gcm", "6.12.90").find("CVE") == std::string::npos);
}

}  // namespace this_file
