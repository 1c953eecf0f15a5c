#include "tools/operator/allocator.h"

#include "tests/harness/catch.h"
#include "tests/unit/operator/views.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("a pool is split in order, and knows its own") {
  const auto pool = CidrPool::split(cidr("10.0.0.0/8"), 24).value();
  CHECK(pool.size() == 65536);
  CHECK(pool.at(0) == cidr("10.0.0.0/24"));
  CHECK(pool.at(1) == cidr("10.0.1.0/24"));
  CHECK(pool.at(65535) == cidr("10.255.255.0/24"));
  CHECK(pool.has(cidr("10.7.0.0/24")));
  CHECK_FALSE(pool.has(cidr("10.7.0.0/25")));
  CHECK_FALSE(pool.has(cidr("11.7.0.0/24")));
  const auto six = CidrPool::split(cidr("fd00::/104"), 120).value();
  CHECK(six.at(258) == cidr("fd00::1:200/120"));
  CHECK(CidrPool::split(cidr("10.0.0.0/24"), 24).value().size() == 1);
  for (const unsigned length : {7U, 32U, 33U})
    CHECK_FALSE(CidrPool::split(cidr("10.0.0.0/8"), length));
  CHECK_FALSE(CidrPool::split(cidr("fd00::/32"), 64));
}

TEST_CASE("Nodes are served oldest first, from the lowest PodCIDR on") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({bare("b", "2024-01-02"), bare("a", "2024-01-03"), bare("c", "2024-01-01")});
  CHECK(written(allocator.plan()) ==
        Written{{"c", {"10.0.0.0/24"}}, {"b", {"10.0.1.0/24"}}, {"a", {"10.0.2.0/24"}}});
}

TEST_CASE("an assignment is repeated until the Node says it, and then there is nothing to do") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({bare("a")});
  const auto first = written(allocator.plan());
  CHECK(written(allocator.plan()) == first);
  allocator.changed(bare("a"));  // an old event, or an unrelated change
  CHECK(written(allocator.plan()) == first);
  allocator.changed(with_spec(bare("a"), {"10.0.0.0/24"}));
  CHECK(allocator.plan().assignments.empty());
  CHECK(allocator.use().at(Family::v4).used == 1);
}

TEST_CASE(
    "what Nodes say is taken over: spec, annotation, another size, a network beyond the pool") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({with_spec(bare("a", "2"), {"10.0.0.0/24"}),
                    annotated(bare("b", "2"), {"10.0.1.0/24"}),
                    with_spec(bare("c", "2"), {"10.0.2.0/23"}),
                    with_spec(bare("d", "2"), {"192.168.0.0/24"}), bare("e", "1")});
  const auto plan = allocator.plan();
  CHECK(plan.findings.empty());
  // Only b's annotation has it: the allocator writes it to the spec.
  CHECK(written(plan) == Written{{"e", {"10.0.4.0/24"}}, {"b", {"10.0.1.0/24"}}});
}

TEST_CASE("both families are assigned together, or none") {
  Allocator allocator({pool("10.0.0.0/8", 24), pool("fd00::/119", 120)}, {});
  allocator.listed({bare("a", "1"), annotated(bare("b", "2"), {"10.0.9.0/24"}), bare("c", "3"),
                    with_spec(bare("d", "0"), {"10.1.0.0/24"})});
  const auto plan = allocator.plan();
  CHECK(written(plan) ==
        Written{{"a", {"10.0.0.0/24", "fd00::/120"}}, {"b", {"10.0.9.0/24", "fd00::100/120"}}});
  REQUIRE(plan.findings.size() == 2);
  CHECK(plan.findings[0].node == "d");
  CHECK(plan.findings[0].reason == "CIDRAssignmentFailed");
  CHECK(plan.findings[0].sentence == "spec.podCIDRs has no IPv6 network, and can be set only once");
  CHECK(plan.findings[1].node == "c");
  CHECK(plan.findings[1].reason == "CIDRNotAvailable");
  // The network reserved for c is not lost.
  allocator.removed("c");
  allocator.removed("b");
  allocator.changed(bare("e", "4"));
  CHECK(written(allocator.plan()).at("e")[1] == "fd00::100/120");
}

TEST_CASE("nothing is given out that is reserved, or that holds a Node's own address") {
  auto a = bare("a", "1");
  a.addresses = {*IpAddress::parse("10.0.0.7")};
  Allocator allocator({pool("10.0.0.0/22", 24)}, {cidr("10.0.1.0/25"), cidr("10.0.0.0/23")});
  allocator.listed({a, bare("b", "2"), bare("c", "3")});
  const auto plan = allocator.plan();
  CHECK(written(plan) == Written{{"a", {"10.0.2.0/24"}}, {"b", {"10.0.3.0/24"}}});
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].node == "c");
}

TEST_CASE("exhaustion is reported, and over once a Node has gone") {
  Allocator allocator({pool("10.0.0.0/23", 24)}, {});
  allocator.listed({bare("a", "1"), bare("b", "2"), bare("c", "3")});
  auto plan = allocator.plan();
  CHECK(plan.assignments.size() == 2);
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].node == "c");
  CHECK(plan.findings[0].reason == "CIDRNotAvailable");
  CHECK_THAT(plan.findings[0].sentence,
             Catch::Contains("every IPv4 PodCIDR of the pool is in use"));
  allocator.changed(with_spec(bare("a", "1"), {"10.0.0.0/24"}));
  allocator.removed("a");
  plan = allocator.plan();
  CHECK(plan.findings.empty());
  CHECK(written(plan).at("c") == std::vector<std::string>{"10.0.0.0/24"});
}

TEST_CASE("what was freed first is given out first, and only when nothing unused is left") {
  Allocator allocator({pool("10.0.0.0/22", 24)}, {});
  allocator.listed({with_spec(bare("a"), {"10.0.0.0/24"}), with_spec(bare("b"), {"10.0.1.0/24"})});
  allocator.removed("b");
  allocator.removed("a");
  std::vector<std::string> order;
  for (const char* name : {"c", "d", "e", "f"}) {
    allocator.changed(bare(name));
    order.push_back(written(allocator.plan()).at(name)[0]);
  }
  CHECK(order ==
        std::vector<std::string>{"10.0.2.0/24", "10.0.3.0/24", "10.0.1.0/24", "10.0.0.0/24"});
}

TEST_CASE("a Node that was deleted and made again gets back what it had, unless that is in use") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({with_spec(bare("a"), {"10.0.5.0/24"}), with_spec(bare("b"), {"10.0.6.0/24"})});
  auto again = bare("a");
  again.uid = "another";
  allocator.changed(again);  // the deletion itself was missed
  CHECK(written(allocator.plan()).at("a")[0] == "10.0.5.0/24");
  allocator.removed("b");
  allocator.changed(with_spec(bare("thief"), {"10.0.6.0/24"}));
  allocator.changed(bare("b"));
  CHECK(written(allocator.plan()).at("b")[0] == "10.0.0.0/24");
}

TEST_CASE(
    "another replica does not give out what a Node had that is gone, and gives it back to it") {
  Allocator before({pool("10.0.0.0/8", 24)}, {});
  before.listed({with_spec(bare("a"), {"10.0.0.0/24"}), with_spec(bare("b"), {"10.0.1.0/24"})});
  before.removed("a");
  const auto record = before.record();
  CHECK(record == PoolRecord{.used = "10.0.0.0/24+2", .freed = "10.0.0.0/24=a"});
  Allocator after({pool("10.0.0.0/8", 24)}, {});
  after.remember(record);
  // b was deleted while no replica ran.
  after.listed({bare("c", "3"), bare("d", "4")});
  CHECK(written(after.plan()) == Written{{"c", {"10.0.2.0/24"}}, {"d", {"10.0.3.0/24"}}});
  after.changed(bare("a", "5"));
  CHECK(written(after.plan()).at("a")[0] == "10.0.0.0/24");
  CHECK(after.record().used == "10.0.0.0/24+4");
}

TEST_CASE("in a full pool another replica gives out first what was freed first") {
  Allocator after({pool("10.0.0.0/22", 24)}, {});
  after.remember({.used = "10.0.0.0/24+4", .freed = "10.0.2.0/24=x 10.0.1.0/24=y"});
  after.listed({with_spec(bare("a"), {"10.0.0.0/24"})});
  std::vector<std::string> order;
  for (const char* name : {"c", "d", "e"}) {
    after.changed(bare(name));
    order.push_back(written(after.plan()).at(name)[0]);
  }
  CHECK(order == std::vector<std::string>{"10.0.2.0/24", "10.0.1.0/24", "10.0.3.0/24"});
}

TEST_CASE("a promise to a Node that was made again, or that somebody else serves, is free again") {
  Allocator allocator({pool("10.0.0.0/23", 24)}, {});
  allocator.listed({bare("a", "1"), bare("b", "2")});
  allocator.plan();
  allocator.changed(with_spec(bare("a", "1"), {"192.168.0.0/24"}));
  allocator.changed(bare("c", "3"));
  CHECK(written(allocator.plan()) == Written{{"b", {"10.0.1.0/24"}}, {"c", {"10.0.0.0/24"}}});
  // Another program gave c's network to another Node while our write was pending: theirs stays.
  allocator.changed(with_spec(bare("d", "4"), {"10.0.0.0/24"}));
  const auto plan = allocator.plan();
  CHECK(written(plan) == Written{{"b", {"10.0.1.0/24"}}});
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].node == "c");
}

TEST_CASE("two Nodes that claim the same are reported on the younger, and neither is changed") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({annotated(bare("young", "2"), {"10.0.1.0/24"}),
                    with_spec(bare("old", "1"), {"10.0.0.0/22"})});
  const auto plan = allocator.plan();
  CHECK(plan.assignments.empty());
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].node == "young");
  CHECK(plan.findings[0].reason == "CIDRConflict");
  CHECK_THAT(plan.findings[0].sentence,
             Catch::Contains("PodCIDR 10.0.1.0/24 overlaps PodCIDR 10.0.0.0/22 of Node old"));
}

TEST_CASE("of two Nodes that claim the same the one that is silent is reported, whatever its age") {
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  auto old = with_spec(bare("old", "1"), {"10.0.1.0/24"});
  old.silent = true;
  allocator.listed({with_spec(bare("young", "2"), {"10.0.1.0/24"}), old});
  const auto plan = allocator.plan();
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].node == "old");
  CHECK_THAT(plan.findings[0].sentence, Catch::Contains("of Node young, which is believed"));
}

TEST_CASE("a Node whose PodCIDRs cannot be read is left alone") {
  auto odd = bare("odd");
  odd.unreadable = "spec.podCIDRs[0]: expected a network";
  Allocator allocator({pool("10.0.0.0/8", 24)}, {});
  allocator.listed({odd});
  const auto plan = allocator.plan();
  CHECK(plan.assignments.empty());
  REQUIRE(plan.findings.size() == 1);
  CHECK(plan.findings[0].sentence == odd.unreadable);
}

}  // namespace this_file
