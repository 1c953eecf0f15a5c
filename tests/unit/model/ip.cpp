#include "agent/model/ip.h"

#include <algorithm>
#include <iterator>

#include "tests/harness/catch.h"

namespace pellicle::this_file {

TEST_CASE("addresses are parsed exactly and printed as they were") {
  for (const auto* text : {"10.0.1.138", "0.0.0.0", "255.255.255.255", "fd00::1", "::"}) {
    INFO(text);
    REQUIRE(IpAddress::parse(text));
    CHECK(IpAddress::parse(text)->to_string() == text);
  }
  for (const auto* text : {"", "10.0.1", "10.0.1.256", "10.0.1.1 ", "10.0.1.1/24", "fd00::g"}) {
    INFO(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
  // A NUL byte does not end a JSON string.
  CHECK_FALSE(IpAddress::parse(std::string_view("10.0.1.1\0x", 10)));
  CHECK_FALSE(Cidr::parse(std::string_view("10.0.1.0\0x/24", 13)));
}

TEST_CASE("an IPv4 address has both byte orders") {
  const auto address = IpAddress::v4(0x0a00018a);
  CHECK(address.to_string() == "10.0.1.138");
  CHECK(address.v4_host_order() == 0x0a00018a);
  CHECK(address.data()[0] == 10);
  CHECK(address.data()[3] == 138);
}

TEST_CASE("addresses are ordered by family, then by number") {
  const char* ordered[] = {
      "0.0.0.0",   "0.0.0.1",      "0.0.1.0",         "1.0.0.0",    "10.0.0.255", "10.0.1.0",
      "127.0.0.1", "128.0.0.0",    "255.255.255.255", "::",         "::1",        "::ff",
      "::1:0",     "::8000:0:0:0", "0:0:0:1::",       "fd00::ffff", "fd00:1::",   "ff02::1"};
  for (const auto* a : ordered) {
    for (const auto* b : ordered) {
      INFO(a << " " << b);
      const auto one = *IpAddress::parse(a);
      const auto other = *IpAddress::parse(b);
      const auto first = std::find(std::begin(ordered), std::end(ordered), a);
      const auto second = std::find(std::begin(ordered), std::end(ordered), b);
      CHECK((one <=> other) == (first <=> second));
      CHECK((one == other) == (first == second));
    }
  }
}

TEST_CASE("networks have no host bits, and a text that has some is refused") {
  CHECK(Cidr(*IpAddress::parse("10.0.1.138"), 24).to_string() == "10.0.1.0/24");
  CHECK(Cidr(*IpAddress::parse("10.0.1.138"), 23).to_string() == "10.0.0.0/23");
  CHECK(Cidr(*IpAddress::parse("10.0.1.138"), 99).to_string() == "10.0.1.138/32");
  CHECK(Cidr::parse("fd00::/64")->to_string() == "fd00::/64");
  for (const auto* text : {"10.0.1.138/24", "10.0.1.0", "10.0.1.0/33", "10.0.1.0/", "10.0.1.0/x",
                           "10.0.1.0/24 ", "/24", "10.0.1.0/-1"}) {
    INFO(text);
    CHECK_FALSE(Cidr::parse(text));
  }
}

TEST_CASE("networks contain and overlap within their family") {
  const auto net = *Cidr::parse("10.0.0.0/23");
  CHECK(net.contains(*IpAddress::parse("10.0.1.255")));
  CHECK_FALSE(net.contains(*IpAddress::parse("10.0.2.0")));
  CHECK(net.overlaps(*Cidr::parse("10.0.1.0/24")));
  CHECK(net.overlaps(*Cidr::parse("0.0.0.0/0")));
  CHECK_FALSE(net.overlaps(*Cidr::parse("10.0.2.0/24")));
  CHECK_FALSE(Cidr::any(Family::v4).contains(IpAddress::any(Family::v6)));
  CHECK_FALSE(Cidr::any(Family::v6).overlaps(net));
}

TEST_CASE("MAC addresses are parsed exactly") {
  CHECK(Mac::parse("02:42:ac:12:00:03")->to_string() == "02:42:ac:12:00:03");
  for (const auto* text :
       {"", "02:42:ac:12:00", "02:42:ac:12:00:0g", "02-42-ac-12-00-03", "02:42:ac:12:00:03:"}) {
    INFO(text);
    CHECK_FALSE(Mac::parse(text));
  }
}

}  // namespace pellicle::this_file
