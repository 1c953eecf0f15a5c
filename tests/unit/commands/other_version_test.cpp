// An agent of another version, whose answers lack what this `pellicle` looks for.
#include <sys/wait.h>

#include <cstdio>

#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/harness/temporary_directory.h"
#include "tools/ctl/exit.h"

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

struct Said {
  int status = 0;
  std::string output;
};

// What `pellicle COMMAND` makes of this answer.
Said asked(const std::string& command, const std::string& result) {
  const TemporaryDirectory directory;
  const auto socket = directory.path() + "/agent.sock";
  const FakeAgent agent(socket, {"{\"result\":" + result + "}\n"});
  Said said;
  FILE* output = popen((PELLICLE_CTL " --socket " + socket + " " + command + " 2>&1").c_str(), "r");
  REQUIRE(output != nullptr);
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) {
    said.output += static_cast<char>(c);
  }
  said.status = WEXITSTATUS(pclose(output));
  return said;
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
  CHECK_THAT(said.output, Contains("the answer is not what this pellicle " PELLICLE_VERSION
                                   " expects (`pellicle version` shows the agent's): "));
  CHECK_THAT(said.output, Contains("key '" + field + "' not found"));
}

TEST_CASE("a peer without its state is not called refused") {
  const auto said = asked("node list", R"({"node": {"name": "a"}, "encryption": {"key": 3}, )"
                                       R"("peers": [{"name": "b"}], "unready": []})");
  CHECK(said.status == ctl::kDegraded);
  CHECK_THAT(said.output, Contains("key 'state' not found"));
}

TEST_CASE("a field of another type than expected is told as well") {
  const auto said = asked("log-level", R"({"level": 3, "before": "info"})");
  CHECK(said.status == ctl::kDegraded);
  CHECK_THAT(said.output, Contains("type must be string, but is number"));
}
