#include "agent/cni/chain.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;
using Versions = std::vector<std::string>;

namespace {

ChainedPlugin speaking(const std::string& type, const Versions& versions) {
  return {.type = type, .answer = {.versions = versions}};
}

ChainedPlugin silent(const std::string& type) {
  return {.type = type, .answer = {.trouble = "run it: no end after 5 seconds"}};
}

ChainedPlugin bandwidth(std::optional<std::array<unsigned, 3>> release) {
  return {.type = "bandwidth", .answer = {.versions = {"1.1.0"}, .release = release}};
}

const Versions kNew{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
const Versions kOfDebian12{"0.3.0", "0.3.1", "0.4.0", "1.0.0"};

}  // namespace

TEST_CASE("chain: the list offers the newest version that all speak, and 1.0.0 to old runtimes") {
  struct Case {
    std::vector<ChainedPlugin> chain;
    Versions offered;
  };
  const std::vector<Case> table{
      {{}, {"1.0.0", "1.1.0"}},
      {{speaking("portmap", kNew)}, {"1.0.0", "1.1.0"}},
      {{speaking("portmap", kNew), speaking("bandwidth", kNew)}, {"1.0.0", "1.1.0"}},
      {{speaking("portmap", kNew), speaking("bandwidth", kOfDebian12)}, {"1.0.0"}},
      {{speaking("portmap", kOfDebian12), speaking("bandwidth", kNew)}, {"1.0.0"}},
      {{speaking("portmap", {"0.3.1", "0.4.0"}), speaking("bandwidth", kNew)}, {"0.4.0"}},
      {{speaking("portmap", {"0.3.0", "0.3.1"})}, {"0.3.1"}},
      {{speaking("portmap", {"0.4.0", "1.1.0"})}, {"0.4.0", "1.1.0"}},
      {{speaking("portmap", {"1.1.0", "1.2.0"})}, {"1.1.0"}},
      {{speaking("portmap", {"2.0.0"})}, {"1.0.0"}},
      {{silent("portmap")}, {"1.0.0"}},
      {{silent("portmap"), speaking("bandwidth", kNew)}, {"1.0.0"}},
      {{speaking("portmap", {"0.3.1", "0.4.0"}), silent("bandwidth")}, {"0.4.0"}},
  };
  for (const auto& each : table) {
    std::string words;
    for (const auto& plugin : each.chain) {
      words += plugin.type;
      for (const auto& version : plugin.answer.versions) words += " " + version;
      words += plugin.answer.trouble + "; ";
    }
    CAPTURE(words);
    CHECK(offered_versions(each.chain) == each.offered);
  }
}

TEST_CASE("chain: CHECK is left out with a bandwidth that crashes at it, or may do so") {
  CHECK(may_check({}));
  CHECK(may_check({speaking("portmap", kOfDebian12)}));
  CHECK_FALSE(may_check({bandwidth(std::nullopt)}));  // Debian's
  CHECK_FALSE(may_check({bandwidth({{1, 1, 1}})}));
  CHECK_FALSE(may_check({bandwidth({{1, 9, 0}})}));
  CHECK(may_check({bandwidth({{1, 9, 1}})}));
  CHECK(may_check({bandwidth({{1, 10, 0}})}));
  CHECK(may_check({bandwidth({{2, 0, 0}})}));
  CHECK_FALSE(may_check({speaking("portmap", kNew), silent("bandwidth")}));
}

TEST_CASE("chain: a plugin that does not answer is named with what it did instead") {
  CHECK(problems_of({speaking("portmap", kNew)}, "/opt/cni/bin").empty());
  const auto problems = problems_of({silent("portmap"), speaking("x", kNew)}, "/opt/cni/bin");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].object == "CNI plugin /opt/cni/bin/portmap");
  CHECK_THAT(problems[0].sentence, Contains("1.0.0 alone") && Contains("no end after 5 seconds"));
  const auto nothing = problems_of({speaking("portmap", {"2.0.0"})}, "/opt/cni/bin");
  REQUIRE(nothing.size() == 1);
  CHECK_THAT(nothing[0].sentence,
             Contains("no CNI version in common") && Contains("portmap: 2.0.0"));
}

}  // namespace this_file
