// An agent of another version: its answers lack fields that this `pellicle` reads.
#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/harness/shell_output.h"
#include "tests/harness/temporary_directory.h"
#include "tools/ctl/exit.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

// The output of `pellicle COMMAND` for this answer.
ShellOutput asked(const std::string& command, const std::string& result) {
  const TemporaryDirectory directory;
  const auto socket = directory.path() + "/agent.sock";
  const FakeAgent agent(socket, {"{\"result\":" + result + "}\n"});
  return shell_output(PELLICLE_CTL " --socket " + socket + " " + command);
}

}  // namespace

TEST_CASE("an answer of an agent of another version is told in one sentence with what it lacks") {
  struct Lacking {
    const char* command;
    std::string field;
  };
  const auto [command, field] = GENERATE(
      Lacking{"status", "node"}, Lacking{"node list", "node"}, Lacking{"diff", "operations"},
      Lacking{"log-level", "level"}, Lacking{"encrypt status", "errors"});
  CAPTURE(command);
  const auto said = asked(command, "{}");
  CHECK(said.status == ctl::kDegraded);
  CHECK_THAT(said.text, Contains("the answer is not what this pellicle " PELLICLE_VERSION
                                 " expects (`pellicle version` shows the agent's): "));
  CHECK_THAT(said.text, Contains("key '" + field + "' not found"));
}

TEST_CASE("a peer without its state is not called refused") {
  const auto said = asked("node list", R"({"node": {"name": "a"}, "encryption": {"key": 3}, )"
                                       R"("peers": [{"name": "b"}], "unready": []})");
  CHECK(said.status == ctl::kDegraded);
  CHECK_THAT(said.text, Contains("key 'state' not found"));
}

TEST_CASE("a field of another type than expected is told as well") {
  const auto said = asked("log-level", R"({"level": 3, "before": "info"})");
  CHECK(said.status == ctl::kDegraded);
  CHECK_THAT(said.text, Contains("type must be string, but is number"));
}

}  // namespace this_file
