#include "agent/kernel/conntrack_room.h"

#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

// The kernel's connection count and limit.
struct Figures {
  TemporaryDirectory folder;

  std::optional<Problem> with(const std::string& tracked, const std::string& most) {
    std::ofstream(folder.path() + "/nf_conntrack_count") << tracked << "\n";
    std::ofstream(folder.path() + "/nf_conntrack_max") << most << "\n";
    return conntrack_problem(folder.path());
  }
};

}  // namespace

TEST_CASE("a table of connections is full a little before its last place is taken") {
  Figures figures;
  CHECK_FALSE(conntrack_problem(figures.folder.path()));  // the kernel tracks no connections
  CHECK_FALSE(figures.with("0", "262144"));
  CHECK_FALSE(figures.with("949", "1000"));
  CHECK(figures.with("950", "1000"));
  const auto full = figures.with("1001", "1000");
  REQUIRE(full);
  CHECK(full->object == "Kernel nf_conntrack");
  CHECK(full->sentence.find("net.netfilter.nf_conntrack_max is 1000") != std::string::npos);
  CHECK(figures.with("999", "1000") == full);  // one problem, not one per connection
  CHECK_FALSE(figures.with("1001", "0"));
  CHECK_FALSE(figures.with("", "1000"));
}

}  // namespace this_file
