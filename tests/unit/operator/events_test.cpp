#include "tools/operator/events.h"

#include "tests/harness/catch.h"

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

std::vector<Finding> findings(size_t count) {
  std::vector<Finding> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back({.node = "n" + std::to_string(i), .reason = "CIDRNotAvailable"});
  }
  return all;
}

EventFilter::Instant at(std::chrono::seconds time) {
  return EventFilter::Instant{} + 1h + time;
}

}  // namespace

TEST_CASE(
    "a finding is told once in ten minutes, and again at once when it has been solved between") {
  EventFilter filter;
  const auto one = findings(1);
  CHECK(filter.due(one, at(0s)) == one);
  CHECK(filter.due(one, at(1s)).empty());
  CHECK(filter.due(one, at(599s)).empty());
  CHECK(filter.due(one, at(600s)) == one);
  CHECK(filter.due({}, at(601s)).empty());
  CHECK(filter.due(one, at(602s)) == one);
}

TEST_CASE("many findings at once do not flood the API, and each gets its turn") {
  EventFilter filter;
  const auto many = findings(100);
  size_t told = filter.due(many, at(0s)).size();
  CHECK(told == 25);
  CHECK(filter.due(many, at(4s)).empty());
  for (auto time = 5s; time <= 375s; time += 5s) {
    const auto due = filter.due(many, at(time)).size();
    CHECK(due == 1);
    told += due;
  }
  CHECK(told == 100);
  CHECK(filter.due(many, at(380s)).empty());
}
