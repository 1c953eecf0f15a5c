#include "agent/kernel/netfilter_backend.h"

#include <cerrno>

#include "agent/kernel/netfilter_legacy.h"
#include "tests/harness/catch.h"
#include "tests/harness/first_in_path.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("netfilter back end: plain iptables tells which one the host uses") {
  const FirstInPath tools;
  const auto iptables_is = [&](const std::string& program) {
    tools.script(program, "");
    std::filesystem::remove(tools.folder() + "/iptables");
    tools.link("iptables", tools.folder() + "/" + program);
    return default_backend();
  };
  CHECK(iptables_is("xtables-nft-multi") == "iptables-nft");
  CHECK(iptables_is("xtables-legacy-multi") == "iptables-legacy");
  CHECK(iptables_is("xtables-multi") == "iptables-legacy");
}

TEST_CASE("netfilter back end: only a kernel without the legacy tables makes the other one try") {
  const auto error = [](const std::string& words) {
    return outcome_of(CommandResult{.status = 1, .errors = words}).error;
  };
  CHECK(error("iptables-restore v1.8.9 (legacy): can't initialize iptables table `raw'") ==
        EOPNOTSUPP);
  CHECK(error("modprobe: FATAL: Module ip_tables not found in directory /lib/modules/7.2.7\n"
              "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table "
              "'filter'\nError occurred at line: 1") == EOPNOTSUPP);
  CHECK(error("Another app is currently holding the xtables lock") == EINVAL);
  CHECK(outcome_of(CommandResult{.errors = "a warning"}).ok());
  const auto lines = outcome_of(CommandResult{.status = 2, .errors = "one\ntwo\n"});
  CHECK(lines.sentence == "one two");
  CHECK(outcome_of(CommandResult{.status = 2, .errors = std::string(900, 'x')}).sentence.size() ==
        303);
}

}  // namespace this_file
