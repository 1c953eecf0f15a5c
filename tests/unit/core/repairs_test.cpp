#include "agent/core/repairs.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

Route::Key to(const char* cidr) {
  return {.table = 254, .dst = Cidr::parse(cidr).value()};
}

KernelState with_routes(std::initializer_list<const char*> cidrs) {
  KernelState state;
  for (const auto* cidr : cidrs) state.routes[to(cidr)] = {.dev = "eth0"};
  return state;
}

std::optional<Repair> repaired(const KernelState& wanted, const KernelState& before,
                               const KernelState& found) {
  return repair(plan(wanted, found), before, found);
}

std::optional<Repair> one_of(const std::string& operation) {
  return Repair{.counted_as = operation, .operation = operation};
}

KernelState with_state(uint32_t spi) {
  KernelState state;
  state.states[{.dst = IpAddress::parse("10.0.0.40").value(), .spi = spi, .mark = {}}] = {
      .src = IpAddress::parse("10.0.1.138").value(), .output_mark = {}, .algorithm = {}};
  return state;
}

const Repair kOne = *one_of("add one");
const Repair kTwo = *one_of("add two");

constexpr Repairs::Clock::time_point kStart{1000h};

}  // namespace

TEST_CASE("repairs: what somebody took away is one, what is wanted anew is none") {
  const auto two = with_routes({"10.0.0.0/24", "10.0.1.0/24"});
  const auto one = with_routes({"10.0.0.0/24"});
  const auto other = with_routes({"10.0.0.0/24", "10.0.2.0/24"});
  CHECK(repaired(two, two, one) == one_of("add route 10.0.1.0/24 dev eth0"));
  CHECK(repaired(one, one, two) == one_of("remove route 10.0.1.0/24 dev eth0"));
  CHECK_FALSE(repaired(two, one, one));
  CHECK_FALSE(repaired(one, two, two));
  CHECK_FALSE(repaired(one, two, one));  // the removed object is no longer desired
  CHECK_FALSE(repaired(other, two, one));
}

TEST_CASE("repairs: one among many that are wanted anew is found") {
  const auto before = with_routes({"10.0.0.0/24", "10.9.0.0/24"});
  auto wanted = before;
  for (int i = 1; i <= 250; ++i) {
    wanted.routes[to(("10.1." + std::to_string(i) + ".0/24").c_str())] = {.dev = "eth0"};
  }
  CHECK(repaired(wanted, before, with_routes({"10.0.0.0/24"})) ==
        one_of("add route 10.9.0.0/24 dev eth0"));
}

TEST_CASE("repairs: one that is undone again and again is named until it is left alone") {
  Repairs repairs;
  for (size_t i = 1; i < Repairs::kMany; ++i) {
    repairs.note(kOne, kStart + i * 1min);
    repairs.note(kTwo, kStart + i * 2min);
  }
  CHECK_FALSE(repairs.problem(kStart + 8min));
  repairs.note(kOne, kStart + 9min);
  const auto problem = repairs.problem(kStart + 9min);
  REQUIRE(problem);
  CHECK(problem->object == "Kernel contested");
  CHECK_THAT(problem->sentence, Contains("'add one' had to be done at least 8 times"));
  CHECK(repairs.problem(kStart + 11min) == problem);
  CHECK_FALSE(repairs.problem(kStart + 12min));
}

TEST_CASE(
    "repairs: a state that comes again with another SPI is one, and they are counted together") {
  Repairs repairs;
  for (uint32_t i = 0; i < Repairs::kMany; ++i) {
    CHECK_FALSE(repairs.problem(kStart));
    const auto found = repaired(with_state(i + 1), with_state(i), {});
    REQUIRE(found);
    CHECK(found->counted_as == "state");
    repairs.note(*found, kStart);
  }
  REQUIRE(repairs.problem(kStart));
  CHECK_THAT(repairs.problem(kStart)->sentence,
             Contains("'add state src 10.0.1.138 dst 10.0.0.40 proto esp spi 0x8 ") &&
                 Contains("' or the like had to be done at least 8 times"));
  CHECK_FALSE(repaired(with_state(2), with_state(1), with_state(1)));  // the next key of a rotation
}

TEST_CASE("repairs: one that comes seldom is not named, however long it goes on") {
  Repairs repairs;
  for (int i = 0; i < 100; ++i) {
    repairs.note(kOne, kStart + i * 2min);
    REQUIRE_FALSE(repairs.problem(kStart + i * 2min));
  }
}

}  // namespace this_file
