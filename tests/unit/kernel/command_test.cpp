#include "agent/kernel/command.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

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

TEST_CASE("a child that takes too long, or says too much, is ended") {
  Command command{.arguments = {"/bin/sh", "-c", "exec sleep 60"}, .limit = 200ms};
  CHECK_THROWS_WITH(run_command(command), "run /bin/sh: no end after 200 ms");
  command.arguments[2] = "exec >/dev/null 2>&1 sleep 60";  // nothing is to be read any more
  CHECK_THROWS_WITH(run_command(command), "run /bin/sh: no end after 200 ms");
  command = {.arguments = {"/bin/sh", "-c", "exec yes"}, .longest_output = 1000};
  CHECK_THROWS_WITH(run_command(command), "run /bin/sh: more output than is read");
  command = {.arguments = {"/bin/sh", "-c", "echo 123456789"}, .longest_output = 10};
  CHECK(run_command(command).output == "123456789\n");
}

TEST_CASE("a child has the variables that it is given, a PATH, and no other of ours") {
  REQUIRE(setenv("PELLICLE_TEST_VARIABLE", "ours", 1) == 0);
  const auto result =
      run_command({.arguments = {"/usr/bin/env"}, .environment = {"CNI_COMMAND=VERSION"}});
  CHECK_THAT(result.output, Catch::Contains("CNI_COMMAND=VERSION\n") && Catch::Contains("PATH=") &&
                                Catch::Contains("LC_ALL=C\n") && !Catch::Contains("PELLICLE"));
}

// An agent that is killed leaves its children, and the next one must not take their sockets for
// its.
TEST_CASE("a child has no descriptor of ours, those that are inherited too") {
  const FileDescriptor inherited(fcntl(STDERR_FILENO, F_DUPFD, 200));
  REQUIRE(inherited);
  const auto open = "test -e /proc/self/fd/" + std::to_string(inherited.get());
  REQUIRE(fcntl(inherited.get(), F_GETFD) == 0);
  CHECK(shell(open).status == 1);
}

}  // namespace this_file
