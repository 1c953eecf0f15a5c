#include "agent/kernel/netfilter_command.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

CommandResult shell(const std::string& line, const std::string& input = "") {
  return run_command({"/bin/sh", "-c", line}, input);
}

}  // namespace

TEST_CASE("a child's input, output, errors and status") {
  const auto result = shell("cat; echo why >&2; exit 3", "what it reads\n");
  CHECK(result.output == "what it reads\n");
  CHECK(result.errors == "why\n");
  CHECK(result.status == 3);
  CHECK(shell("kill -9 $$").status == 137);
}

// A killed agent leaves its children running; they must not keep the agent's sockets open.
TEST_CASE("a child has no descriptor of ours, those that are inherited too") {
  const FileDescriptor inherited(fcntl(STDERR_FILENO, F_DUPFD, 200));
  REQUIRE(inherited);
  const auto open = "test -e /proc/self/fd/" + std::to_string(inherited.get());
  REQUIRE(fcntl(inherited.get(), F_GETFD) == 0);
  CHECK(shell(open).status == 1);
}

}  // namespace this_file
