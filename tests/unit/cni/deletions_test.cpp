// DEL, with and without an agent.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/fake_agent.h"
#include "tests/unit/cni/runtime.h"
#include "tools/cni/deletion.h"

namespace this_file {

using namespace pellicle;

namespace {

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return names;
  while (const auto* entry = ::readdir(open)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  ::closedir(open);
  std::sort(names.begin(), names.end());
  return names;
}

Json json_in(const std::string& path) {
  std::ifstream stream(path);
  return Json::parse(stream);
}

void check_success(const Run& run) {
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(run.out.empty());
  CHECK(run.err.empty());
}

const std::string kDeleted = result_line("{}");
const std::string kDeleteRequest = R"({"method":"pod-delete","params":{"id":"c0ffee:eth0"}})";

}  // namespace

TEST_CASE("cni: DEL asks for the pod's deletion whatever else is known, as often as it is called") {
  const auto version = GENERATE("0.3.1", "0.4.0", "1.0.0", "1.1.0");
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {kDeleted, kDeleted, kDeleted, kDeleted});
  check_success(runtime.run(attachment("DEL"), network(version)));
  auto environment = attachment("DEL");
  environment["CNI_NETNS"] = "/var/run/netns/long-gone";
  check_success(runtime.run(environment, network(version)));
  environment.erase("CNI_NETNS");
  environment["CNI_ARGS"] = "nonsense";
  check_success(runtime.run(environment, network(version)));
  check_success(runtime.run(environment, network(version, Json::parse(R"({
      "prevResult": "odd", "ipam": {"type": "host-local"}, "runtimeConfig": 1, "dns": 1})"))));
  const auto requests = agent.requests();
  REQUIRE(requests.size() == 4);
  for (const auto& request : requests) CHECK(Json::parse(request).dump() == kDeleteRequest);
  CHECK(files_in(runtime.deletions()).empty());
}

TEST_CASE("cni: DEL without an agent is queued and succeeds, twice as well as once") {
  const Runtime runtime;
  check_success(runtime.run(attachment("DEL"), network("1.0.0")));
  check_success(runtime.run(attachment("DEL"), network("1.0.0")));
  REQUIRE(files_in(runtime.deletions()) == std::vector<std::string>{"c0ffee:eth0.json"});
  CHECK(json_in(runtime.deletions() + "/c0ffee:eth0.json").dump() == R"({"id":"c0ffee:eth0"})");
  auto other = attachment("DEL");
  other["CNI_IFNAME"] = "net1";
  check_success(runtime.run(other, network("1.0.0")));
  CHECK(files_in(runtime.deletions()).size() == 2);
  struct stat info {};
  REQUIRE(stat(runtime.deletions().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("cni: DEL is queued where the socket's folder is not there yet") {
  const Runtime runtime;
  const std::string folder = runtime.folder() + "/run/pellicle";
  const auto config = network("1.0.0", {{"socket", folder + "/agent.sock"}}).dump();
  check_success(runtime.run(attachment("DEL"), config));
  CHECK(files_in(folder + "/deletions") == std::vector<std::string>{"c0ffee:eth0.json"});
}

TEST_CASE("cni: DEL that can neither be carried out nor queued says why") {
  const Runtime runtime;
  std::ofstream(runtime.folder() + "/file") << "no folder";
  const auto config = network("1.0.0", {{"socket", runtime.folder() + "/file/agent.sock"}}).dump();
  const auto run = runtime.run(attachment("DEL"), config);
  INFO(run.out);
  CHECK(run.status == 1);
  CHECK(run.json().at("code") == 11);
  CHECK(run.json().at("details").get<std::string>().find("/file/deletions") != std::string::npos);
  CHECK(run.json().at("details").get<std::string>().find("Not a directory") != std::string::npos);
}

TEST_CASE("cni: an agent that comes back while DEL is queued carries it out") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {"", kDeleted});
  check_success(runtime.run(attachment("DEL"), network("1.0.0")));
  CHECK(agent.requests().size() == 2);
  CHECK(files_in(runtime.deletions()).empty());
}

TEST_CASE("cni: an agent that dies over DEL finds it queued") {
  const Runtime runtime;
  const FakeAgent agent(runtime.socket(), {R"({"resu)"});
  check_success(runtime.run(attachment("DEL"), network("1.0.0")));
  CHECK(files_in(runtime.deletions()).size() == 1);
}

TEST_CASE("cni: DEL that an agent does not understand is not taken for done") {
  const Runtime runtime;
  const auto answers =
      GENERATE(std::vector<std::string>{"nonsense\n"}, std::vector<std::string>{"", ""},
               std::vector<std::string>{"", "nonsense\n"});
  const FakeAgent agent(runtime.socket(), answers);
  const auto run = runtime.run(attachment("DEL"), network("1.0.0"));
  INFO(run.out);
  CHECK(run.status == 1);
  CHECK(run.json().at("code") == 11);
}

TEST_CASE("cni: a deletion that was queued is done before the same pod is added again") {
  const Runtime runtime;
  check_success(runtime.run(attachment("DEL"), network("1.0.0")));
  REQUIRE(files_in(runtime.deletions()).size() == 1);
  SECTION("carried out") {
    const FakeAgent agent(runtime.socket(), {kDeleted, result_line(kPod)});
    const auto run = runtime.run(attachment("ADD"), network("1.0.0"));
    CHECK(run.status == 0);
    const auto requests = agent.requests();
    REQUIRE(requests.size() == 2);
    CHECK(Json::parse(requests[0]).dump() == kDeleteRequest);
    CHECK(Json::parse(requests[1]).at("method") == "pod-add");
    CHECK(files_in(runtime.deletions()).empty());
  }
  SECTION("refused") {
    const FakeAgent agent(runtime.socket(), {error_line(100, "the kernel says no")});
    const auto run = runtime.run(attachment("ADD"), network("1.0.0"));
    CHECK(run.status == 1);
    CHECK(run.json().at("code") == 100);
    CHECK(files_in(runtime.deletions()).size() == 1);
  }
  SECTION("nobody there") {
    const auto run = runtime.run(attachment("ADD"), network("1.0.0"));
    CHECK(run.json().at("code") == 11);
    CHECK(files_in(runtime.deletions()).size() == 1);
  }
  SECTION("deleted again with an agent there") {
    const FakeAgent agent(runtime.socket(), {kDeleted});
    check_success(runtime.run(attachment("DEL"), network("1.0.0")));
    CHECK(files_in(runtime.deletions()).empty());
  }
}

TEST_CASE("cni: long ids have files of their own whose names fit a folder") {
  const TemporaryDirectory folder;
  const std::string socket = folder.path() + "/agent.sock";
  const std::string one = std::string(300, 'a') + "1:eth0";
  const std::string two = std::string(300, 'a') + "2:eth0";
  cni::queue_deletion(socket, one);
  CHECK(cni::is_deletion_queued(socket, one));
  CHECK_FALSE(cni::is_deletion_queued(socket, two));
  CHECK(json_in(cni::deletion_file(socket, one)).at("id").get<std::string>() == one);
  cni::forget_deletion(socket, two);
  CHECK(cni::is_deletion_queued(socket, one));
  cni::forget_deletion(socket, one);
  CHECK(files_in(folder.path() + "/deletions").empty());
}

}  // namespace this_file
