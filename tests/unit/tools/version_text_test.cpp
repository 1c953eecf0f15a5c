#include "tools/ctl/version_text.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;

TEST_CASE("versions that differ are said to, and an agent that is not there is no difference") {
  const auto same = version_json("1.2.0", "1.2.0");
  CHECK(same.dump() == R"({"client":"1.2.0","agent":"1.2.0","differ":false})");
  CHECK(version_text(same, "") == "Client: 1.2.0\nAgent:  1.2.0\n");

  const auto other = version_json("1.2.0", "1.1.9");
  CHECK(other["differ"] == true);
  CHECK_THAT(version_text(other, ""),
             Catch::StartsWith("Client: 1.2.0\nAgent:  1.1.9\nThey differ: "));

  const auto none = version_json("1.2.0", nullptr);
  CHECK(none["differ"] == false);
  CHECK(version_text(none, "nobody answers") == "Client: 1.2.0\nAgent:  nobody answers\n");
}

}  // namespace this_file
