#include "agent/settings_watch.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

TEST_CASE("settings are looked at again and again, and when a change was announced") {
  boost::asio::io_context context;
  int looks = 0;
  SettingsWatch watch(
      context, [&] { ++looks; }, 3000ms, 200ms);
  watch.start();
  watch.announced();
  watch.announced();
  context.run_for(100ms);
  CHECK(looks == 1);
  for (int i = 0; i < 5; ++i) watch.announced();  // soon after the last look
  context.run_for(20ms);
  CHECK(looks == 1);
  context.run_for(400ms);
  CHECK(looks == 2);
  context.run_for(3500ms);
  CHECK(looks == 3);
}

}  // namespace this_file
