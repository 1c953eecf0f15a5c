#include "tools/operator/options.h"

#include "tests/harness/catch.h"
#include "tests/unit/operator/views.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("pools, reserved networks and the election's times are read") {
  const auto line = parse_operator_command_line(
      {"--cluster-pool-ipv4-cidr", "10.0.0.0/8,192.168.0.0/16", "--cluster-pool-ipv6-cidr",
       "fd00::/104", "--reserved-cidr", "10.96.0.0/12", "--lease-duration", "3",
       "--lease-renew-deadline", "2", "--lease-retry-period", "0.5"});
  REQUIRE(line.run);
  CHECK(line.options.pools ==
        std::vector{pool("10.0.0.0/8", 24), pool("192.168.0.0/16", 24), pool("fd00::/104", 120)});
  CHECK(line.options.reserved == std::vector{cidr("10.96.0.0/12")});
  CHECK(line.options.election.retry_period == Milliseconds(500));
  CHECK_FALSE(line.options.election.identity.empty());
  CHECK(parse_operator_command_line({"--help"}).status == 0);
}

TEST_CASE("when keys are replaced is read, with pools and without") {
  const auto line =
      parse_operator_command_line({"--rotate-every", "30d", "--rotate-at-sequence", "50"});
  REQUIRE(line.run);
  CHECK(line.options.key_policy.every == std::chrono::hours(720));
  CHECK(line.options.key_policy.at_sequence == 50);
  CHECK_FALSE(parse_operator_command_line({"--cluster-pool-ipv4-cidr", "10.0.0.0/8"})
                  .options.key_policy.on());
}

TEST_CASE("what becomes of the start-up taint is read") {
  const auto line = parse_operator_command_line(
      {"--remove-node-taints", "true", "--set-node-taints-after", "10m"});
  REQUIRE(line.run);
  CHECK(line.options.taint_policy.remove);
  CHECK(line.options.taint_policy.put_after == std::chrono::minutes(10));
  CHECK_FALSE(parse_operator_command_line({"--cluster-pool-ipv4-cidr", "10.0.0.0/8"})
                  .options.taint_policy.on());
}

TEST_CASE("what cannot be is refused with a sentence that names it") {
  const auto refusal = [](std::vector<std::string> arguments) {
    const auto line = parse_operator_command_line(std::move(arguments));
    CHECK_FALSE(line.run);
    CHECK(line.status == 2);
    return line.text;
  };
  using Catch::Contains;
  CHECK_THAT(refusal({}), Contains("there is nothing to allocate from"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "10.0.0.1/8"}),
             Contains("expected an IPv4 network without host bits, found '10.0.0.1/8'"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "fd00::/104"}), Contains("expected an IPv4"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "10.0.0.0/25"}),
             Contains("10.0.0.0/25 cannot be split into PodCIDRs of length 24"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "10.0.0.0/8,10.1.0.0/16"}),
             Contains("10.1.0.0/16 overlaps 10.0.0.0/8"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "10.0.0.0/8", "--lease-duration", "5"}),
             Contains("--lease-duration must be longer"));
  CHECK_THAT(refusal({"--health-address", "9234"}),
             Contains("--health-address: expected an IP address and a port such as "));
  CHECK_THAT(refusal({"--set-node-taints-after", "59"}), Contains("--set-node-taints-after"));
  CHECK_THAT(refusal({"--rotate-every", "59"}), Contains("--rotate-every"));
  CHECK_THAT(refusal({"--rotate-every", "5 weeks"}), Contains("--rotate-every"));
  CHECK_THAT(refusal({"--rotate-at-sequence", "95"}), Contains("--rotate-at-sequence"));
  CHECK_THAT(refusal({"--cluster-pool-ipv4-cidr", "10.0.0.0/8", "--frobnicate"}),
             Contains("--frobnicate"));
}

}  // namespace this_file
