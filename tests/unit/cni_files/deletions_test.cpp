#include "agent/cni/deletions.h"

#include <filesystem>
#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("deletions: complete files are read by name, half-written ones are not") {
  const TemporaryDirectory directory;
  const auto socket = directory.path() + "/agent.sock";
  CHECK(pending_deletions(socket).empty());
  const auto folder = deletions_folder(socket);
  CHECK(folder == directory.path() + "/deletions");
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(folder + "/" + name) << text;
  };
  write("b.json", R"({"id": "0123:eth0"})");
  write("a.json", "{");
  write("c.json", R"(["id"])");
  write("d.json.new", R"({"id": "4567:eth0"})");
  const auto pending = pending_deletions(socket);
  REQUIRE(pending.size() == 3);
  CHECK(pending[0].file == folder + "/a.json");
  CHECK(pending[0].id.empty());
  CHECK(pending[1].id == "0123:eth0");
  CHECK(pending[2].id.empty());
}

}  // namespace this_file
