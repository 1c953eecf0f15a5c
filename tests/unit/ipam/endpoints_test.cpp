#include "agent/ipam/endpoints.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

Endpoint pod(const std::string& id, const std::string& address) {
  return {.id = id,
          .name = "default/" + id,
          .device = "lxc" + id,
          .addresses = {*IpAddress::parse(address)},
          .pod_mac = *Mac::parse("02:00:00:00:00:01"),
          .host_mac = *Mac::parse("02:00:00:00:00:02"),
          .netns = "/run/netns/" + id};
}

}  // namespace

TEST_CASE("endpoints: what was put is there after a restart, by id") {
  const TemporaryDirectory directory;
  {
    Endpoints endpoints(directory.path());
    endpoints.put(pod("b", "10.0.1.2"));
    endpoints.put(pod("a", "10.0.1.1"));
    endpoints.put(pod("b", "10.0.1.3"));
  }
  const Endpoints again(directory.path());
  REQUIRE(again.all().size() == 2);
  CHECK(again.all()[0] == pod("a", "10.0.1.1"));
  CHECK(again.all()[1] == pod("b", "10.0.1.3"));
  CHECK(again.find_device("lxcb") != nullptr);
  CHECK(again.find(*IpAddress::parse("10.0.1.1")) != nullptr);
  CHECK(again.find(*IpAddress::parse("10.0.1.2")) == nullptr);
  CHECK_FALSE(again.problem());
}

TEST_CASE("endpoints: what a pod asks to send from lasts, and is absent of an agent of before") {
  const TemporaryDirectory directory;
  auto asking = pod("a", "10.0.1.1");
  asking.wanted_sources = {*Cidr::parse("10.9.0.0/16"), *Cidr::parse("fd09::1/128")};
  Endpoints(directory.path()).put(asking);
  CHECK(Endpoints(directory.path()).all().at(0) == asking);

  std::ifstream file(directory.path() + "/endpoints.json");
  auto json = nlohmann::json::parse(file);
  json["endpoints"][0].erase("wantedSources");
  std::ofstream(directory.path() + "/endpoints.json") << json.dump();
  CHECK(Endpoints(directory.path()).all().at(0) == pod("a", "10.0.1.1"));
}

TEST_CASE("endpoints: removing is idempotent and lasts") {
  const TemporaryDirectory directory;
  Endpoints endpoints(directory.path());
  endpoints.put(pod("a", "10.0.1.1"));
  endpoints.remove("lxca");
  endpoints.remove("lxca");
  CHECK(endpoints.all().empty());
  CHECK(Endpoints(directory.path()).all().empty());
}

TEST_CASE("endpoints: a damaged file is set aside and named, not fatal") {
  for (const std::string text :
       {"{", "[{\"id\": 1}]", "[{}]", "{\"version\": 2}", "\xff\xfe", ""}) {
    const TemporaryDirectory directory;
    std::ofstream(directory.path() + "/endpoints.json") << text;
    Endpoints endpoints(directory.path());
    CHECK(endpoints.all().empty());
    REQUIRE(endpoints.problem());
    CHECK(endpoints.problem()->object.find("endpoints.json") != std::string::npos);
    CHECK(std::filesystem::exists(directory.path() + "/endpoints.json.damaged"));
    endpoints.put(pod("a", "10.0.1.1"));
    CHECK(Endpoints(directory.path()).all().size() == 1);
  }
}

TEST_CASE("endpoints: a list that cannot be written changes nothing") {
  Endpoints endpoints("/nowhere/at/all");
  CHECK_THROWS_WITH(endpoints.put(pod("a", "10.0.1.1")), Catch::Contains("/nowhere/at/all"));
  CHECK(endpoints.all().empty());
}

TEST_CASE("endpoints: what was freed is remembered in order, until it is given out again") {
  const TemporaryDirectory directory;
  const auto ip = [](const char* text) { return *IpAddress::parse(text); };
  {
    Endpoints endpoints(directory.path());
    endpoints.put(pod("a", "10.0.1.1"));
    endpoints.put(pod("b", "10.0.1.2"));
    endpoints.put(pod("c", "10.0.1.3"));
    for (const char* device : {"lxcb", "lxca", "lxcc"}) endpoints.remove(device);
    endpoints.put(pod("d", "10.0.1.1"));
    endpoints.keep_for_health({ip("10.0.1.9")});
  }
  Endpoints again(directory.path());
  CHECK(again.released() == std::vector{ip("10.0.1.2"), ip("10.0.1.3")});
  CHECK(again.health() == std::vector{ip("10.0.1.9")});
  again.put(pod("d", "10.0.1.2"));  // another address: the first one is free again
  CHECK(again.released() == std::vector{ip("10.0.1.3"), ip("10.0.1.1")});
}

TEST_CASE("endpoints: the record follows what really exists") {
  const TemporaryDirectory directory;
  Endpoints endpoints(directory.path());
  endpoints.put(pod("a", "10.0.1.1"));
  endpoints.put(pod("b", "10.0.1.2"));
  auto known_otherwise = pod("a", "10.0.1.77");
  auto unknown = pod("c", "10.0.1.3");
  unknown.id = "";
  const auto dropped = endpoints.adopt({"lxca", "lxcc", "lxcz"}, {known_otherwise, unknown});
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0].device == "lxcb");
  CHECK(endpoints.all() == std::vector{unknown, pod("a", "10.0.1.1")});
  CHECK(Endpoints(directory.path()).all() == endpoints.all());
  CHECK(endpoints.released() == std::vector{*IpAddress::parse("10.0.1.2")});
}

}  // namespace this_file
