#include "agent/kernel/ledger.h"

#include <filesystem>
#include <fstream>

#include "agent/kernel/os_error.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using seed::cidr;
using seed::ip;

namespace fs = std::filesystem;

TEST_CASE("what the ledger saved, the next process reads") {
  const TemporaryDirectory directory;
  const auto place = directory.path() + "/not/yet/there";
  {
    Ledger ledger(place);
    ledger.note_sysctl("net/ipv4/conf/eth0/rp_filter", {"2", 7});
    ledger.note_sysctl("net/ipv4/conf/all/rp_filter", {"1"});
    ledger.note_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
    ledger.note_gateway(cidr("10.0.0.0/24"), ip("172.18.0.5"));
    ledger.save();
  }
  Ledger next(place);
  CHECK_FALSE(next.problem());
  CHECK(next.sysctls() ==
        std::map<std::string, Ledger::Original>{{"net/ipv4/conf/eth0/rp_filter", {"2", 7}},
                                                {"net/ipv4/conf/all/rp_filter", {"1", 0}}});
  CHECK(next.gateways().size() == 2);
  CHECK(next.gateways().contains({cidr("10.0.0.0/24"), ip("172.18.0.5")}));
}

TEST_CASE("the first value noted is the original") {
  const TemporaryDirectory directory;
  Ledger ledger(directory.path());
  ledger.note_sysctl("a", {"2"});
  ledger.note_sysctl("a", {"0"});
  REQUIRE(ledger.sysctls().at("a").value == "2");
}

TEST_CASE("a ledger of an agent that noted no devices is read") {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/ledger.json") << R"({"sysctls":{"a":"2"},"routes":[]})";
  CHECK(Ledger(directory.path()).sysctls().at("a") == Ledger::Original{"2", 0});
}

TEST_CASE("a destination's gateways are forgotten but for the one that stays, no other's are") {
  const TemporaryDirectory directory;
  Ledger ledger(directory.path());
  const auto note = [&](const char* dst, std::initializer_list<const char*> gateways) {
    for (const auto* gateway : gateways) ledger.note_gateway(cidr(dst), ip(gateway));
  };
  note("10.0.0.0/24", {"0.0.0.1", "172.18.0.4", "172.18.0.5"});
  note("10.0.0.0/25", {"172.18.0.4"});
  note("10.0.1.0/24", {"172.18.0.4"});
  note("9.255.255.0/24", {"172.18.0.4"});
  note("fd00:10::/64", {"fc00::4", "fc00::5"});
  ledger.save();
  ledger.forget_gateways(cidr("10.0.0.0/24"), ip("172.18.0.5"));
  ledger.forget_gateways(cidr("fd00:10::/64"), std::nullopt);
  ledger.forget_gateways(cidr("10.0.3.0/24"), std::nullopt);
  const std::set<Ledger::Gateway> left = {{cidr("10.0.0.0/24"), ip("172.18.0.5")},
                                          {cidr("10.0.0.0/25"), ip("172.18.0.4")},
                                          {cidr("10.0.1.0/24"), ip("172.18.0.4")},
                                          {cidr("9.255.255.0/24"), ip("172.18.0.4")}};
  CHECK(ledger.gateways() == left);
  ledger.save();
  CHECK(Ledger(directory.path()).gateways() == left);
}

TEST_CASE("nothing is written before save, and an empty ledger leaves no file") {
  const TemporaryDirectory directory;
  const auto file = directory.path() + "/ledger.json";
  Ledger ledger(directory.path());
  ledger.note_sysctl("a", {"2"});
  CHECK_FALSE(fs::exists(file));
  ledger.save();
  CHECK(fs::exists(file));
  ledger.forget_sysctl("a");
  ledger.save();
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("a damaged ledger is set aside with its reason, and the next one starts empty") {
  for (const auto* text : {"", "{", "[]", R"({"sysctls":{"a":1},"routes":[]})",
                           R"({"sysctls":{"a":"1"},"devices":{"a":"eth0"},"routes":[]})",
                           R"({"sysctls":{},"routes":[{"dst":"10.0.0.1/24","gateway":"x"}]})"}) {
    const TemporaryDirectory directory;
    const auto file = directory.path() + "/ledger.json";
    std::ofstream(file) << text;
    const Ledger ledger(directory.path());
    INFO(text);
    REQUIRE(ledger.problem());
    CHECK(ledger.problem()->find(file + " is damaged") == 0);
    CHECK(ledger.sysctls().empty());
    CHECK_FALSE(fs::exists(file));
    CHECK(fs::exists(file + ".damaged"));
    CHECK_FALSE(Ledger(directory.path()).problem());
  }
}

TEST_CASE("a ledger that cannot be written is an error that names the file") {
  const TemporaryDirectory directory;
  const auto in_the_way = directory.path() + "/file";
  std::ofstream(in_the_way) << "x";
  Ledger ledger(in_the_way + "/state");
  ledger.note_sysctl("a", {"2"});
  REQUIRE_THROWS_AS(ledger.save(), OsError);
}

TEST_CASE("a gateway more is a line beside the file, and the next process reads both") {
  const TemporaryDirectory directory;
  const auto file = directory.path() + "/ledger.json";
  Ledger ledger(directory.path());
  ledger.note_sysctl("a", {"2"});
  ledger.note_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
  ledger.save();
  const auto written = fs::last_write_time(file);
  const auto size = fs::file_size(file);
  ledger.note_gateway(cidr("10.0.1.0/24"), ip("172.18.0.5"));
  ledger.forget_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
  ledger.save();
  CHECK(fs::file_size(file) == size);
  CHECK(fs::last_write_time(file) == written);
  const std::set<Ledger::Gateway> left = {{cidr("10.0.1.0/24"), ip("172.18.0.5")}};
  Ledger next(directory.path());
  CHECK(next.gateways() == left);
  CHECK(next.sysctls().at("a").value == "2");

  next.note_gateway(cidr("fd00:1::/64"), ip("fc00::4"));
  next.save();
  CHECK(Ledger(directory.path()).gateways().size() == 2);
}

TEST_CASE("lines that are no gateways damage the ledger like the file itself") {
  const TemporaryDirectory directory;
  const auto file = directory.path() + "/ledger.json";
  {
    Ledger ledger(directory.path());
    ledger.note_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
    ledger.save();
    ledger.note_gateway(cidr("10.0.1.0/24"), ip("172.18.0.4"));
    ledger.save();
  }
  std::ofstream(file + ".more", std::ios::app) << "rubbish\n";
  const Ledger ledger(directory.path());
  REQUIRE(ledger.problem());
  CHECK(ledger.gateways().empty());
  CHECK_FALSE(fs::exists(file + ".more"));
}

TEST_CASE("lines do not grow without end") {
  const TemporaryDirectory directory;
  Ledger ledger(directory.path());
  ledger.note_sysctl("a", {"2"});
  uintmax_t most = 0;
  for (int i = 0; i < 6000; ++i) {
    ledger.note_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
    ledger.forget_gateway(cidr("10.0.0.0/24"), ip("172.18.0.4"));
    ledger.save();
    const auto more = directory.path() + "/ledger.json.more";
    if (fs::exists(more)) most = std::max(most, fs::file_size(more));
  }
  CHECK(most > 0);
  CHECK(most < 70000);
  CHECK(Ledger(directory.path()).gateways().empty());
}

}  // namespace this_file
