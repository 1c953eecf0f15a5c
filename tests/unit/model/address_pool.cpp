#include "agent/model/address_pool.h"

#include <vector>

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

using seed::cidr;
using seed::ip;

TEST_CASE("the ends of an IPv4 network are not usable, nor the first address of an IPv6 one") {
  const AddressPool v4(cidr("10.0.1.0/24"));
  CHECK_FALSE(v4.usable(ip("10.0.1.0")));
  CHECK(v4.usable(ip("10.0.1.1")));
  CHECK(v4.usable(ip("10.0.1.254")));
  CHECK_FALSE(v4.usable(ip("10.0.1.255")));
  CHECK_FALSE(v4.usable(ip("10.0.2.1")));
  CHECK_FALSE(v4.usable(ip("fd00::1")));
  const AddressPool v6(cidr("fd00:1::/120"));
  CHECK_FALSE(v6.usable(ip("fd00:1::")));
  CHECK(v6.usable(ip("fd00:1::1")));
  CHECK(v6.usable(ip("fd00:1::ff")));
  CHECK_FALSE(v6.usable(ip("fd00:1::100")));
}

TEST_CASE("the size of a pool counts what is usable") {
  const std::pair<const char*, uint64_t> sizes[] = {{"10.0.1.0/24", 254},
                                                    {"10.0.0.0/30", 2},
                                                    {"10.0.0.0/31", 0},
                                                    {"10.0.0.0/32", 0},
                                                    {"fd00::/120", 255},
                                                    {"fd00::/127", 1},
                                                    {"fd00::/128", 0},
                                                    {"10.0.0.0/8", (1 << 24) - 2},
                                                    {"fd00::/64", 1UL << 62},
                                                    {"::/0", 1UL << 62},
                                                    {"0.0.0.0/0", (1UL << 32) - 2}};
  for (const auto& [network, size] : sizes) {
    INFO(network);
    CHECK(AddressPool(cidr(network)).size() == size);
  }
}

TEST_CASE("the lowest free address comes first, what was released comes last and oldest first") {
  const AddressPool pool(cidr("10.0.1.0/29"));  // .1 to .6
  std::set<IpAddress> taken{ip("10.0.1.1"), ip("10.0.1.3")};
  const std::vector<IpAddress> released{ip("10.0.1.5"), ip("10.0.1.2")};
  std::vector<std::string> order;
  while (const auto next = pool.first_free(taken, released)) {
    order.push_back(next->to_string());
    taken.insert(*next);
  }
  CHECK(order == std::vector<std::string>{"10.0.1.4", "10.0.1.6", "10.0.1.5", "10.0.1.2"});
}

TEST_CASE("what was released of another network is not given out") {
  const AddressPool pool(cidr("10.0.1.0/30"));
  const std::set<IpAddress> taken{ip("10.0.1.1"), ip("10.0.1.2")};
  CHECK_FALSE(pool.first_free(taken, std::vector<IpAddress>{ip("10.0.2.1"), ip("10.0.1.3")}));
}

TEST_CASE("the last network of a family has an end too") {
  const AddressPool v6(cidr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"));
  CHECK(v6.first_free({}) == ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  CHECK_FALSE(v6.first_free({ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")}));
  CHECK(AddressPool(cidr("255.255.255.252/30")).first_free({}) == ip("255.255.255.253"));
}

}  // namespace pellicle::this_file
