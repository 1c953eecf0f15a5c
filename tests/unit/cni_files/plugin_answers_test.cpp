// Plugins that are asked what they speak: real programs, and what they may do instead of answering.
#include "agent/cni/plugin_answers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <semaphore>
#include <thread>

#include "tests/harness/catch.h"
#include "tests/harness/skipped.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A folder of plugins that are shell scripts.
struct Folder {
  TemporaryDirectory directory;

  std::string plugin(const std::string& name, const std::string& script) const {
    const auto path = directory.path() + "/" + name;
    // Written beside it and moved: a program that runs cannot be written to.
    std::ofstream(path + ".new") << "#!/bin/sh\n" << script << "\n";
    fs::permissions(path + ".new", fs::perms::owner_all);
    fs::rename(path + ".new", path);
    return path;
  }
};

constexpr const char* kSpeaksNew =
    R"(cat > /dev/null; echo '{"cniVersion": "1.1.0", "supportedVersions": ["1.0.0", "1.1.0"]}')";

// Who is told that nothing is left to be asked.
struct Answers {
  std::counting_semaphore<> answered{0};
  std::atomic<int> asked = 0;
  PluginAnswers known;

  explicit Answers(std::function<PluginAnswer(const std::string& path)> ask)
      : known(
            [this, ask = std::move(ask)](const std::string& path, const std::stop_token&) {
              ++asked;
              return ask(path);
            },
            [this] { answered.release(); }) {}

  PluginAnswer of(const std::string& path) {
    while (true) {
      if (auto answer = known.of(path)) return *answer;
      REQUIRE(answered.try_acquire_for(30s));
    }
  }
};

PluginAnswer speaks(const std::string& version) {
  return {.versions = {version}};
}

}  // namespace

TEST_CASE("plugin: says which versions it speaks when it is asked as the specification has it") {
  const Folder folder;
  const auto path = folder.plugin("portmap", R"sh(
      [ "$CNI_COMMAND" = VERSION ] && [ "$(cat)" = '{"cniVersion":"1.1.0"}' ] || exit 1
      echo '{"cniVersion": "1.1.0", "supportedVersions": ["0.4.0", "1.0.0", 7]}')sh");
  const auto answer = ask_plugin(path);
  CHECK(answer.trouble.empty());
  CHECK(answer.versions == std::vector<std::string>{"0.4.0", "1.0.0"});
  CHECK_FALSE(answer.release);
  CHECK(ask_plugin(folder.plugin("deaf", kSpeaksNew + std::string("; exec 0<&-"))).trouble.empty());
}

TEST_CASE("plugin: what keeps it from answering is told, and takes no longer than allowed") {
  const Folder folder;
  const std::vector<std::pair<const char*, const char*>> table{
      {"echo no such command >&2; exit 3", "exit status 3 (no such command)"},
      {"echo '{\"code\": 4}'; exit 1", "exit status 1 ({\"code\": 4})"},
      {"echo nonsense", "its answer has no supportedVersions (nonsense)"},
      {"echo '{\"supportedVersions\": null}'", "no supportedVersions"},
      {"echo '{\"supportedVersions\": []}'", "no supportedVersions"},
      {"echo '[1]'", "no supportedVersions"},
      {"exit 0", "no supportedVersions"},
      {"kill -9 $$", "exit status 137"},
      {"printf 'odd\\033[1mbytes\\377' >&2; exit 1", "(odd?[1mbytes?)"},
      {"exec sleep 60", "no end after 300 ms"},
      {"exec > /dev/null 2>&1; exec sleep 60", "no end after 300 ms"},
      {"exec yes", "more output than is read"},
  };
  for (const auto& [script, trouble] : table) {
    CAPTURE(script);
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = ask_plugin(folder.plugin("portmap", script), {}, 300ms);
    CHECK(answer.versions.empty());
    if (std::string(script) != "exec yes") CHECK_THAT(answer.trouble, Contains(trouble));
    CHECK_FALSE(answer.trouble.empty());
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
  }
  CHECK_THAT(ask_plugin(folder.directory.path() + "/absent").trouble,
             Contains("/absent: No such file or directory"));
  std::ofstream(folder.directory.path() + "/text") << "no program";
  CHECK_THAT(ask_plugin(folder.directory.path() + "/text").trouble, Contains("Permission denied"));
  fs::permissions(folder.directory.path() + "/text", fs::perms::owner_all);
  CHECK_THAT(ask_plugin(folder.directory.path() + "/text").trouble, Contains("Exec format error"));
}

// As a program of a host with another C library is to the agent's container.
TEST_CASE("plugin: a program whose loader is not there is told as one that cannot be run") {
  const Folder folder;
  const auto path = folder.directory.path() + "/portmap";
  std::ofstream(path) << "#!/lib64/ld-of-another-distribution.so\n";
  fs::permissions(path, fs::perms::owner_all);
  const auto answer = ask_plugin(path);
  CHECK_THAT(answer.trouble, Contains("run " + path + ": No such file or directory (the loader"));
}

TEST_CASE("plugin: the release of bandwidth is read, and asked of nobody else") {
  CHECK(release_in("CNI bandwidth plugin v1.9.1\nCNI protocol versions supported: 1.0.0\n") ==
        std::array<unsigned, 3>{1, 9, 1});
  CHECK(release_in("CNI bandwidth plugin v1.10.0-k3s1") == std::array<unsigned, 3>{1, 10, 0});
  for (const char* none : {"", "CNI bandwidth plugin version unknown", "CNI bandwidth plugin v1.9",
                           "bandwidth v1.9.1", "CNI bandwidth plugin vx.y.z"})
    CHECK_FALSE(release_in(none));
  const Folder folder;
  const auto script = std::string(R"([ -n "$CNI_COMMAND" ] || { echo asked >> "$0.log"
      echo "CNI bandwidth plugin v1.9.1" >&2; exit 0; }; )") +
                      kSpeaksNew;
  CHECK(ask_plugin(folder.plugin("bandwidth", script)).release == std::array<unsigned, 3>{1, 9, 1});
  CHECK_FALSE(ask_plugin(folder.plugin("portmap", script)).release);
  CHECK(fs::exists(folder.directory.path() + "/bandwidth.log"));
  CHECK_FALSE(fs::exists(folder.directory.path() + "/portmap.log"));
  const auto hangs = std::string(R"([ -n "$CNI_COMMAND" ] || exec sleep 60; )") + kSpeaksNew;
  const auto answer = ask_plugin(folder.plugin("bandwidth", hangs), {}, 1000ms);
  CHECK(answer.versions.size() == 2);  // it did say what it speaks
  CHECK_FALSE(answer.release);
}

TEST_CASE("plugin: Debian's say what they speak") {
  if (!fs::exists("/usr/lib/cni/bandwidth")) {
    skipped("the package containernetworking-plugins is not installed");
    return;
  }
  for (const char* path : {"/usr/lib/cni/portmap", "/usr/lib/cni/bandwidth"}) {
    CAPTURE(path);
    const auto answer = ask_plugin(path);
    CHECK(answer.trouble.empty());
    CHECK(std::count(answer.versions.begin(), answer.versions.end(), "1.0.0") == 1);
  }
}

TEST_CASE("plugin answers: nobody waits, and each binary is asked once") {
  const Folder folder;
  const auto path = folder.plugin("portmap", "first");
  std::promise<void> asked;
  std::promise<void> go;
  Answers answers([&](const std::string&) {
    asked.set_value();
    go.get_future().wait();
    return speaks("1.1.0");
  });
  CHECK_FALSE(answers.known.of(path));
  asked.get_future().wait();
  CHECK_FALSE(answers.known.of(path));  // while it takes its time
  go.set_value();
  REQUIRE(answers.answered.try_acquire_for(30s));
  for (int i = 0; i < 3; ++i) CHECK(answers.known.of(path)->versions == speaks("1.1.0").versions);
  CHECK(answers.asked == 1);
}

TEST_CASE("plugin answers: an agent that ends does not wait for a plugin") {
  const Folder folder;
  const auto log = folder.directory.path() + "/asked";
  const auto path = folder.plugin("portmap", "touch " + log + "; exec sleep 60");
  const auto begin = std::chrono::steady_clock::now();
  {
    PluginAnswers answers(
        [](const std::string& at, const std::stop_token& stop) { return ask_plugin(at, stop); },
        [] {});
    CHECK_FALSE(answers.of(path));
    for (int i = 0; i < 1000 && !fs::exists(log); ++i) std::this_thread::sleep_for(10ms);
    REQUIRE(fs::exists(log));
  }
  CHECK(std::chrono::steady_clock::now() - begin < kPluginLimit);
}

TEST_CASE("plugin answers: another binary in the same place is asked anew") {
  const Folder folder;
  Answers answers([](const std::string& path) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line) && line.starts_with("#!")) continue;
    return speaks(line);
  });
  const auto path = folder.plugin("portmap", "1.0.0");
  const auto other = folder.plugin("bandwidth", "0.4.0");
  CHECK(answers.of(path).versions == speaks("1.0.0").versions);
  CHECK(answers.of(other).versions == speaks("0.4.0").versions);
  folder.plugin("portmap", "1.1.0");
  CHECK_FALSE(answers.known.of(path));
  REQUIRE(answers.answered.try_acquire_for(30s));
  CHECK(answers.of(path).versions == speaks("1.1.0").versions);
  CHECK(answers.of(other).versions == speaks("0.4.0").versions);
  CHECK(answers.asked == 3);
}

TEST_CASE("plugin answers: all that are wanted are asked, one after the other") {
  const Folder folder;
  Answers answers([](const std::string&) { return speaks("1.0.0"); });
  std::vector<std::string> paths;
  for (const char* name : {"a", "b", "c"}) paths.push_back(folder.plugin(name, ""));
  for (const auto& path : paths) static_cast<void>(answers.known.of(path));
  for (const auto& path : paths) CHECK(answers.of(path).versions == speaks("1.0.0").versions);
}

TEST_CASE("plugin answers: plugins run without any capability, and nobody else loses one") {
  if (geteuid() != 0) {
    skipped("only root has capabilities to lose");
    return;
  }
  const Folder folder;
  const auto path = folder.plugin(
      "portmap", R"(sed -n 's/^Cap\(Eff\|Prm\):\t/\1 /p' /proc/self/status >&2; exit 1)");
  Answers answers([](const std::string& at) { return ask_plugin(at); });
  const auto before = ask_plugin(path).trouble;
  CHECK_THAT(before, !Contains("Prm 0000000000000000"));
  CHECK_THAT(answers.of(path).trouble, Contains("Prm 0000000000000000"));
  CHECK(ask_plugin(path).trouble == before);
}

}  // namespace this_file
