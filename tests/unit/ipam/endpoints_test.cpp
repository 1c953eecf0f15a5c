#include "agent/ipam/endpoints.h"

#include <filesystem>
#include <fstream>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

using namespace pellicle;

namespace {

Endpoint pod(const std::string& id, const std::string& address) {
  return {.id = id,
          .name = "default/" + id,
          .device = "lxc0123456789ab",
          .address = *IpAddress::parse(address),
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
  CHECK(again.find("b") != nullptr);
  CHECK(again.find(*IpAddress::parse("10.0.1.1")) != nullptr);
  CHECK(again.find(*IpAddress::parse("10.0.1.2")) == nullptr);
  CHECK_FALSE(again.problem());
}

TEST_CASE("endpoints: removing is idempotent and lasts") {
  const TemporaryDirectory directory;
  Endpoints endpoints(directory.path());
  endpoints.put(pod("a", "10.0.1.1"));
  endpoints.remove("a");
  endpoints.remove("a");
  CHECK(endpoints.all().empty());
  CHECK(Endpoints(directory.path()).all().empty());
}

TEST_CASE("endpoints: a damaged file is set aside and named, not fatal") {
  for (const std::string text : {"{", "[{\"id\": 1}]", "[{}]", "\xff\xfe", ""}) {
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
