#include "tools/operator/pool_record.h"

#include "tests/harness/catch.h"
#include "tests/unit/operator/views.h"

namespace this_file {

using namespace pellicle;

namespace {

const std::vector<CidrPool> kPools = {pool("10.0.0.0/16", 24), pool("fd00::/112", 120)};

std::set<Cidr> cidrs(const std::vector<std::string>& texts) {
  std::set<Cidr> all;
  for (const auto& text : texts) all.insert(cidr(text));
  return all;
}

}  // namespace

TEST_CASE("what was used is told in ranges, and read back") {
  const auto used = cidrs(
      {"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.9.0/24", "10.0.255.0/24", "fd00::/120"});
  const auto text = used_text(kPools, used);
  CHECK(text == "10.0.0.0/24+3 10.0.9.0/24+1 10.0.255.0/24+1 fd00::/120+1");
  CHECK(read_used(kPools, text) == used);
  CHECK(used_text(kPools, {}).empty());
  CHECK(used_text(kPools, cidrs({"192.168.0.0/24"})).empty());  // in none of the pools
  for (uint64_t i = 0; i < 256; ++i) CHECK(kPools[0].index_of(kPools[0].at(i)) == i);
}

TEST_CASE("a record of other pools, or none at all, is read as far as it fits") {
  CHECK(read_used(kPools, "10.0.254.0/24+1000") == cidrs({"10.0.254.0/24", "10.0.255.0/24"}));
  for (const char* odd :
       {"", " ", "+", "10.0.0.0/24", "10.0.0.0/24+", "10.0.0.0/24+x", "10.0.0.0/25+1",
        "10.0.0.0/24+99999999999999999999999", "192.168.0.0/24+1", "nonsense+3"}) {
    INFO(odd);
    CHECK(read_used(kPools, odd).empty());
    CHECK(read_freed(kPools, odd).size() <= 1);
  }
}

TEST_CASE("of what was freed the newest are told with their Nodes") {
  std::vector<FreedCidr> freed = {{cidr("10.0.7.0/24"), "worker9"}, {cidr("10.0.1.0/24"), ""}};
  CHECK(freed_text(freed) == "10.0.7.0/24=worker9 10.0.1.0/24=");
  CHECK(read_freed(kPools, freed_text(freed)) == freed);
  CHECK(read_freed(kPools, "192.168.0.0/24=a =b c=").empty());
  const std::vector<CidrPool> wide = {pool("10.0.0.0/8", 24)};
  freed.clear();
  for (uint64_t i = 0; i < 2 * kMostFreed; ++i) freed.emplace_back(wide[0].at(i), "n");
  const auto read = read_freed(wide, freed_text(freed));
  CHECK(read == std::vector<FreedCidr>(freed.begin() + kMostFreed, freed.end()));
}

}  // namespace this_file
