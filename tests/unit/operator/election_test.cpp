#include "tools/operator/election.h"

#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr const char* kWall = "2026-11-23T08:04:08.000000Z";

Instant at(Milliseconds time) {
  return Instant{} + 1h + time;
}

Election election(const std::string& identity) {
  return Election({.identity = identity});
}

Response lease(const std::string& holder, const std::string& version, int seconds = 15) {
  const json body = {{"metadata", {{"name", "pellicle-operator"}, {"resourceVersion", version}}},
                     {"spec",
                      {{"holderIdentity", holder},
                       {"leaseDurationSeconds", seconds},
                       {"acquireTime", "2020-01-01T00:00:00.000000Z"},
                       {"renewTime", "2020-01-01T00:00:00.000000Z"},
                       {"leaseTransitions", 4}}}};
  return {.status = 200, .body = body.dump()};
}

}  // namespace

TEST_CASE("a Lease that is not there is created, and held until the deadline") {
  auto mine = election("a");
  CHECK(mine.get().path ==
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/pellicle-operator");
  const auto write = mine.answered({.status = 404}, at(0ms), kWall);
  REQUIRE(write);
  CHECK(write->method == "POST");
  const auto spec = json::parse(write->body)["spec"];
  CHECK(spec["holderIdentity"] == "a");
  CHECK(spec["leaseDurationSeconds"] == 15);
  CHECK(spec["leaseTransitions"] == 0);
  CHECK_FALSE(mine.may_act(at(0ms)));
  mine.wrote({.status = 201, .body = lease("a", "1").body}, at(0ms));
  CHECK(mine.may_act(at(0ms)));
  CHECK(mine.may_act(at(9'999ms)));
  CHECK_FALSE(mine.may_act(at(10'000ms)));
  CHECK(mine.may_act(at(4'999ms), 5s));
  CHECK_FALSE(mine.may_act(at(5'000ms), 5s));
}

TEST_CASE(
    "another's Lease is taken when it has not changed for its duration, whatever its times say") {
  auto mine = election("b");
  // Its renewTime is years ago by our clock: clocks are not compared.
  CHECK_FALSE(mine.answered(lease("a", "7"), at(0ms), kWall));
  CHECK(mine.holder() == "a");
  CHECK_FALSE(mine.answered(lease("a", "7"), at(14'999ms), kWall));
  CHECK_FALSE(mine.answered(lease("a", "8"), at(15'000ms), kWall));  // renewed
  CHECK_FALSE(mine.answered(lease("a", "8"), at(29'999ms), kWall));
  const auto write = mine.answered(lease("a", "8"), at(30'000ms), kWall);
  REQUIRE(write);
  CHECK(write->method == "PUT");
  const auto body = json::parse(write->body);
  CHECK(body["metadata"]["resourceVersion"] == "8");  // of two writers, one gets 409
  CHECK(body["spec"]["holderIdentity"] == "b");
  CHECK(body["spec"]["acquireTime"] == kWall);
  CHECK(body["spec"]["leaseTransitions"] == 5);
  mine.wrote({.status = 409}, at(30'000ms));
  CHECK_FALSE(mine.may_act(at(30'000ms)));
  CHECK(mine.trouble().empty());
}

TEST_CASE("a longer duration that the holder asked for is respected, a shorter one is not") {
  auto patient = election("b");
  CHECK_FALSE(patient.answered(lease("a", "7", 60), at(0ms), kWall));
  CHECK_FALSE(patient.answered(lease("a", "7", 60), at(59s), kWall));
  CHECK(patient.answered(lease("a", "7", 60), at(60s), kWall));
  auto other = election("c");
  CHECK_FALSE(other.answered(lease("a", "7", 1), at(0ms), kWall));
  CHECK_FALSE(other.answered(lease("a", "7", 1), at(14s), kWall));
}

TEST_CASE("our own Lease is renewed, and not counted as acquired again") {
  auto mine = election("a");
  const auto write = mine.answered(lease("a", "7"), at(0ms), kWall);
  REQUIRE(write);
  const auto spec = json::parse(write->body)["spec"];
  CHECK(spec["acquireTime"] == "2020-01-01T00:00:00.000000Z");
  CHECK(spec["renewTime"] == kWall);
  CHECK(spec["leaseTransitions"] == 4);
}

TEST_CASE("who sees another holder stops to act at once") {
  auto mine = election("a");
  mine.wrote({.status = 200, .body = lease("a", "7").body}, at(0ms));
  REQUIRE(mine.may_act(at(1s)));
  CHECK_FALSE(mine.answered(lease("b", "9"), at(1s), kWall));
  CHECK_FALSE(mine.may_act(at(1s)));
}

TEST_CASE("a failed renewal prolongs nothing, and says what is wrong") {
  auto mine = election("a");
  mine.wrote({.status = 200, .body = lease("a", "7").body}, at(0ms));
  mine.wrote({.status = 0, .error = "connection refused"}, at(8s));
  CHECK(mine.trouble() == "Lease kube-system/pellicle-operator: connection refused");
  CHECK(mine.may_act(at(9s)));
  CHECK_FALSE(mine.may_act(at(10s)));
  CHECK_FALSE(mine.answered({.status = 403}, at(10s), kWall));
  CHECK(mine.trouble() == "Lease kube-system/pellicle-operator: 403 Forbidden");
  CHECK(mine.answered(lease("a", "7"), at(11s), kWall));
  CHECK(mine.trouble().empty());
}

TEST_CASE("what a leader notes stands in the Lease from its first renewal on, for the next one") {
  const auto annotations = [](const std::optional<Request>& write) {
    return json::parse(write.value().body)["metadata"].value("annotations", json());
  };
  auto mine = election("a");
  mine.note({.annotations = {{"used", "mine"}}, .owner = {"ServiceAccount", "operator", "u"}});
  auto before = json::parse(lease("", "1").body);
  before["metadata"]["annotations"] = {{"used", "theirs"}, {"other", "stays"}};
  const auto taken = mine.answered({.status = 200, .body = before.dump()}, at(0ms), kWall);
  CHECK(annotations(taken) == before["metadata"]["annotations"]);  // we have not read them yet
  CHECK(json::parse(taken->body)["metadata"]["ownerReferences"] ==
        json::parse(R"([{"apiVersion": "v1", "kind": "ServiceAccount", "name": "operator",
                         "uid": "u"}])"));
  auto ours = json::parse(taken->body);
  ours["metadata"]["resourceVersion"] = "2";
  mine.wrote({.status = 200, .body = ours.dump()}, at(0ms));
  CHECK(mine.found("used") == "theirs");
  CHECK(mine.found("unused").empty());
  const auto renewed = mine.answered({.status = 200, .body = ours.dump()}, at(2s), kWall);
  CHECK(annotations(renewed) == json{{"used", "mine"}, {"other", "stays"}});
  CHECK(mine.found("used") == "theirs");
  // Deleted by another client: created again with all of it.
  mine.wrote({.status = 200, .body = ours.dump()}, at(2s));
  CHECK(annotations(mine.answered({.status = 404}, at(4s), kWall)) == json{{"used", "mine"}});
  mine.wrote({.status = 201, .body = ours.dump()}, at(4s));
  CHECK(annotations(mine.release(kWall))["used"] == "mine");
}

TEST_CASE("an API that refuses a Lease with an owner gets it without") {
  auto mine = election("a");
  mine.note({.annotations = {}, .owner = {"ServiceAccount", "operator", "u"}});
  CHECK(mine.answered({.status = 404}, at(0ms), kWall)->body.find("owner") != std::string::npos);
  mine.wrote({.status = 403}, at(0ms));
  const auto again = mine.answered({.status = 404}, at(2s), kWall);
  CHECK(again->body.find("ownerReferences") == std::string::npos);
}

TEST_CASE("an answer that is no Lease changes nothing") {
  auto mine = election("a");
  for (const char* body : {"", "[]", "{}", R"({"metadata":{}})", R"({"metadata":5})"}) {
    CHECK_FALSE(mine.answered({.status = 200, .body = body}, at(0ms), kWall));
    CHECK_FALSE(mine.trouble().empty());
  }
}

TEST_CASE("a Lease is given back by its holder alone, and then anybody's at once") {
  auto mine = election("a");
  CHECK_FALSE(mine.release(kWall));
  mine.wrote({.status = 200, .body = lease("a", "7").body}, at(0ms));
  const auto request = mine.release(kWall);
  REQUIRE(request);
  CHECK(json::parse(request->body)["metadata"]["resourceVersion"] == "7");
  CHECK(json::parse(request->body)["spec"]["holderIdentity"] == "");
  CHECK_FALSE(mine.may_act(at(0ms)));
  auto next = election("b");
  CHECK(next.answered(lease("", "8", 1), at(0ms), kWall));
}

}  // namespace this_file
