#include "tests/harness/api/selector.h"

#include "tests/harness/api/refusal.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::api;

namespace {

const Json kWorker = {{"metadata", {{"name", "worker"}, {"labels", {{"role", "db"}}}}},
                      {"spec", {{"unschedulable", true}}}};

bool matches(const std::string& fields, const std::string& labels = "") {
  return Selector(kNodes, fields, labels).matches(kWorker);
}

}  // namespace

TEST_CASE("fields select by equality and inequality, all together") {
  CHECK(matches(""));
  CHECK(matches("metadata.name=worker"));
  CHECK(matches("metadata.name==worker"));
  CHECK_FALSE(matches("metadata.name=worker2"));
  CHECK_FALSE(matches("metadata.name!=worker"));
  CHECK(matches("metadata.name!=worker2,spec.unschedulable=true"));
  CHECK_FALSE(matches("metadata.name=worker,spec.unschedulable=false"));
}

TEST_CASE("labels select by value and by presence") {
  CHECK(matches("", "role=db"));
  CHECK_FALSE(matches("", "role!=db"));
  CHECK(matches("", "zone!=west"));  // also matches objects without the label
  CHECK(matches("", "role"));
  CHECK_FALSE(matches("", "!role"));
  CHECK_FALSE(matches("", "zone"));
}

TEST_CASE("a field that is not indexed cannot be selected on") {
  CHECK_THROWS_AS(matches("spec.podCIDR=10.0.0.0/24"), Refusal);
  CHECK_THROWS_AS(matches("metadata.name"), Refusal);
  CHECK_THROWS_AS(matches("type=Opaque"), Refusal);  // a field of Secrets only
  CHECK_THROWS_AS(matches("", "role in (db,web)"), Refusal);
  CHECK(Selector(kSecrets, "type=Opaque", "").matches({{"type", "Opaque"}}));
}

}  // namespace this_file
