#include "agent/kernel/modules.h"

#include "tests/harness/catch.h"
#include "tests/harness/module_host.h"

namespace this_file {

using namespace pellicle;

namespace {

std::string said(const ModuleHost& host, const std::string& name) {
  const auto modules = host.modules();
  return modules.describe(name, modules.find(name));
}

}  // namespace

TEST_CASE("modules: loaded, built in, loadable and missing ones are told from one another") {
  ModuleHost host;
  host.loaded("xfrm_user");
  host.built_in("kernel/net/sched/sch-ingress.ko");
  host.loadable("kernel/net/ipv4/esp4.ko.xz");
  CHECK(said(host, "xfrm_user") == "loaded");
  CHECK(said(host, "sch_ingress") == "built in");
  CHECK(said(host, "esp4") == "loadable");
  CHECK(said(host, "esp6") == "missing: neither built in nor below /lib/modules/6.1.0-57-amd64");
  host.remove("/lib/modules/6.1.0-57-amd64/kernel/net/ipv4/esp4.ko.xz");
  CHECK(host.modules().find("esp4").state == ModuleState::missing);  // listed, and its file is gone
}

TEST_CASE("modules: modprobe's configuration and a locked kernel stand in the way of loading") {
  ModuleHost host;
  host.loadable("kernel/net/ipv4/esp4.ko");
  host.loadable("kernel/net/ipv6/esp6.ko");
  host.loaded("veth");
  host.write("/etc/modprobe.d/a.conf", "install esp4 /bin/false\nblacklist veth\n");
  const auto blocked = host.modules().find("esp4");
  CHECK(blocked.state == ModuleState::blocked);
  CHECK(blocked.block->line == 1);
  CHECK(blocked.lacking());
  const auto next_boot = host.modules().find("veth");
  CHECK(next_boot.there());
  CHECK(next_boot.block->line == 2);
  CHECK(said(host, "veth").starts_with("loaded, but from the next boot on /etc/modprobe.d/a.conf"));
  host.write("/proc/sys/kernel/modules_disabled", "1\n");
  CHECK(host.modules().find("esp6").state == ModuleState::locked);
  CHECK(host.modules().find("veth").there());
}

TEST_CASE("modules: where the lists cannot be read only what is in memory is known") {
  ModuleHost host;
  host.loaded("esp4");
  host.write("/sys/module/veth/parameters/x", "1");
  host.remove("/lib/modules");
  CHECK(host.modules().find("esp4").there());
  CHECK(host.modules().find("veth").state == ModuleState::built_in);
  CHECK(host.modules().find("esp6").state == ModuleState::unknown);
  CHECK_FALSE(host.modules().find("esp6").lacking());
}

TEST_CASE("modules: a digest's is found by its newer name") {
  ModuleHost host;
  host.built_in("kernel/crypto/sha256.ko");
  CHECK(host.modules().find("sha256_generic").state == ModuleState::built_in);
  CHECK(host.modules().find("sha512_generic").state == ModuleState::missing);
}

}  // namespace this_file
