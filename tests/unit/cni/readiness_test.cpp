// What the plugin's STATUS tells a runtime while the agent is away for a moment.
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/unit/cni/runtime.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("cni: an agent that was ready a moment ago is no reason for STATUS to fail") {
  const Runtime runtime;
  const Variables status{{"CNI_COMMAND", "STATUS"}};
  const auto with_grace = [](const Json& seconds) {
    return network("1.1.0", {{"statusGraceSeconds", seconds}});
  };
  {
    const FakeAgent agent(runtime.socket(), {result_line("{}")});
    check_silent_success(runtime.run(status, network("1.1.0")));
  }
  check_silent_success(runtime.run(status, network("1.1.0")));
  {
    const FakeAgent agent(runtime.socket(), {error_line(11, "first pass")});
    check_silent_success(runtime.run(status, network("1.1.0")));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // the file has whole seconds
  check_error(runtime.run(status, with_grace(1)), 50, runtime.socket());
  check_silent_success(runtime.run(status, with_grace(60)));
  for (const Json& wrong : {Json(-1), Json(3601), Json("1"), Json(1.5)}) {
    check_error(runtime.run(status, with_grace(wrong)), 7, "statusGraceSeconds");
  }
  std::ofstream(runtime.folder() + "/ready") << "99999999999\n";  // not from this boot
  check_error(runtime.run(status, network("1.1.0")), 50, runtime.socket());
}

TEST_CASE("cni: ADD waits for an agent that is being replaced") {
  const Runtime runtime;
  std::optional<FakeAgent> agent;
  std::jthread replacement([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    agent.emplace(runtime.socket(), std::vector{error_line(11, "first pass"), result_line(kPod)});
  });
  const auto run = runtime.run(attachment("ADD"), network("1.0.0", {{"addWaitSeconds", 30}}));
  replacement.join();
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(agent->requests().size() == 2);
}

}  // namespace this_file
