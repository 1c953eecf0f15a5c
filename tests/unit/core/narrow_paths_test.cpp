// Which path MTUs the agent believes, and for how long.
#include "agent/core/narrow_paths.h"

#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const auto kPeer = IpAddress::parse("10.0.0.40").value();
const auto kPeer6 = IpAddress::parse("fd00:10::28").value();
const auto kRouter = IpAddress::parse("172.18.0.1").value();
constexpr uint32_t kSpi = 0x100018a3;
const NarrowPaths::Clock::time_point kNow{1000h};

PathReport report(uint32_t mtu, const IpAddress& peer = kPeer, uint32_t spi = kSpi) {
  return {.peer = peer, .router = kRouter, .mtu = mtu, .spi = spi};
}

Table<State> sending() {
  Table<State> states;
  for (const auto& peer : {kPeer, kPeer6}) states[{peer, kSpi, {}}] = {};
  return states;
}

}  // namespace

TEST_CASE("a path is as narrow as a router said last, for ten minutes") {
  const TemporaryDirectory directory;
  NarrowPaths paths(directory.path());
  CHECK(paths.hear({report(1300)}, sending(), kNow));
  CHECK(paths.at(kNow) == PathMtus{{kPeer, {.mtu = 1300, .router = kRouter, .since = kNow}}});
  CHECK_FALSE(paths.hear({report(1300)}, sending(), kNow + 1s));
  CHECK_FALSE(paths.hear({report(1400)}, sending(), kNow + 1s));
  CHECK(paths.hear({report(1200)}, sending(), kNow + 60s));
  CHECK(paths.at(kNow + 60s).at(kPeer).mtu == 1200);
  CHECK(paths.ends(kNow + 60s) == kNow + 60s + 10min);
  CHECK(paths.at(kNow + 60s + 10min).empty());
  CHECK_FALSE(paths.ends(kNow + 60s + 10min));
  CHECK(paths.hear({report(1400)}, sending(), kNow + 60s + 10min));
}

TEST_CASE("a word about a packet that this node cannot have sent is not believed") {
  const TemporaryDirectory directory;
  NarrowPaths paths(directory.path());
  const auto stranger = IpAddress::parse("10.0.9.1").value();
  CHECK_FALSE(paths.hear({report(1300, kPeer, kSpi + 1), report(1300, stranger)}, sending(), kNow));
  CHECK_FALSE(paths.hear({report(551), report(1279, kPeer6)}, sending(), kNow));
  CHECK(paths.at(kNow).empty());
  CHECK(paths.hear({report(552), report(1280, kPeer6)}, sending(), kNow));
  CHECK(paths.at(kNow).size() == 2);
}

TEST_CASE("a restart knows the paths, and a damaged file is a lost one") {
  const TemporaryDirectory directory;
  NarrowPaths(directory.path()).hear({report(1300), report(1300, kPeer6)}, sending(), kNow);
  const auto known = NarrowPaths(directory.path()).at(kNow + 1s);
  CHECK(known.size() == 2);
  CHECK(known.at(kPeer) == PathMtu{.mtu = 1300, .router = kRouter, .since = kNow});
  for (const char* text : {"", "{", "[]", R"({"version":1})", R"({"version":1,"paths":[7]})",
                           R"({"version":1,"paths":[{"peer":"?","router":"?"}]})"}) {
    std::ofstream(directory.path() + "/paths.json") << text;
    CHECK(NarrowPaths(directory.path()).at(kNow).empty());
  }
}

}  // namespace this_file
