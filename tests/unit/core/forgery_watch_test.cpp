// Forged packets: the report names sender and owner, and repeats while they continue.
#include "agent/core/forgery_watch.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

Cluster seed_cluster() {
  return compute(seed::worker()).cluster;
}

Forgery forgery(ForgeryKind kind, const char* sender, const char* owner, uint64_t packets = 1) {
  return {.kind = kind,
          .sender = *sender ? std::optional(seed::ip(sender)) : std::nullopt,
          .owner = seed::ip(owner),
          .count = {.packets = packets, .bytes = 100 * packets}};
}

std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> all;
  for (const auto& each : problems) all.push_back(each.to_string());
  return all;
}

}  // namespace

TEST_CASE("forgeries: both names are said, also this node's, and an address where there is none") {
  const auto all = told({forgery(ForgeryKind::in_esp, "10.0.0.40", "10.0.2.52", 3),
                         forgery(ForgeryKind::in_esp, "", "10.0.1.138"),
                         forgery(ForgeryKind::clear_dropped, "", "10.0.9.9")},
                        seed_cluster());
  REQUIRE(all.size() == 3);
  CHECK(all[0].kind == std::string("in_esp"));
  CHECK(all[0].sender == "worker2");
  CHECK(all[0].owner == "control-plane");
  CHECK(all[0].count.packets == 3);
  CHECK(all[1].sender.empty());
  CHECK(all[1].owner == "worker");
  CHECK(all[2].owner == "10.0.9.9");
}

TEST_CASE("forgeries: a problem is what grows, for ten minutes, and not what was there before") {
  const auto cluster = seed_cluster();
  const ForgeryWatch::Clock::time_point start{1h};
  ForgeryWatch watch;
  const auto old = forgery(ForgeryKind::clear_observed, "", "10.0.0.40", 7);
  watch.look({old}, start);
  CHECK(watch.problems(cluster, start).empty());
  watch.look({old}, start + 1s);
  CHECK(watch.problems(cluster, start + 1s).empty());

  const auto in_esp = [](uint64_t packets) {
    return forgery(ForgeryKind::in_esp, "10.0.0.40", "10.0.2.52", packets);
  };
  watch.look({in_esp(1), old}, start + 2s);
  const std::vector<std::string> said = {
      "Node worker2 forgery: sends packets with addresses of Node control-plane inside its ESP; "
      "expected its own, the others are dropped"};
  CHECK(lines(watch.problems(cluster, start + 2s)) == said);
  watch.look({in_esp(2), old}, start + 9min);
  CHECK(lines(watch.problems(cluster, start + 18min)) == said);
  CHECK(watch.problems(cluster, start + 19min).empty());
  CHECK(watch.counted().size() == 2);
}

TEST_CASE("forgeries: clear text is said of the Node whose address it has") {
  ForgeryWatch watch;
  const ForgeryWatch::Clock::time_point now{1h};
  watch.look({}, now);
  watch.look({forgery(ForgeryKind::in_esp, "", "10.0.1.138"),
              forgery(ForgeryKind::clear_dropped, "", "10.0.0.40"),
              forgery(ForgeryKind::clear_observed, "", "10.0.2.52")},
             now);
  CHECK(lines(watch.problems(seed_cluster(), now)) ==
        std::vector<std::string>{
            "Node worker forgery: packets with its addresses arrive inside another node's ESP and "
            "are dropped; one key for all nodes does not tell whose ESP it is",
            "Node worker2 clear text: packets with its addresses arrive in the clear and are "
            "dropped; expected ESP, as the Node says that it encrypts",
            "Node control-plane clear text: packets with its addresses arrive in the clear and are "
            "let in, as strict-ingress is observe; expected ESP, as the Node says that it "
            "encrypts"});
}

}  // namespace this_file
