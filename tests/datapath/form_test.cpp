// Pair keys in the previous version's form, whose OUT states and policies match the mark of the key
// id, and in the current form. A cluster changes over node by node, in both directions.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kMarked = "marked-policies = true\n";
constexpr const char* kService = "10.96.169.246";

bool asks_for_mark(const std::string& node) {
  return must_in(node, "ip xfrm policy; ip xfrm state").find("0x3e00/0xff00") != std::string::npos;
}

}  // namespace

TEST_CASE("nodes change to policies that ask for no mark, and back, and no packet is lost") {
  Lab lab({.agent_config = kMarked});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
  must_in("worker",
          iptables() + " -t nat -A PREROUTING -d " + kService + " -j DNAT --to 10.0.0.249");
  std::list<PingStream> streams;
  for (const auto& [from, to] : {std::pair{"net", "10.0.0.249"},
                                 {"cni-fcnh6", "10.0.2.77"},
                                 {"cni-cp", "10.0.1.52"},
                                 {"net", kService}}) {
    REQUIRE(wait_until([&] { return lab.ping(from, to).ok(); }));
    streams.emplace_back(from, to);
  }
  for (const NodeSpec& node : lab.network().nodes()) CHECK(asks_for_mark(node.name));

  for (const std::string form : {"", kMarked, ""}) {
    CAPTURE(form);
    for (const NodeSpec& node : lab.network().nodes()) {
      CAPTURE(node.name);
      lab.agent(node.name).stop();
      lab.agent(node.name).start(form);
      REQUIRE(lab.agent(node.name).wait_ready());
      CHECK(wait_until([&] { return asks_for_mark(node.name) != form.empty(); }, 30s));
      for (PingStream& stream : streams) CHECK(stream.goes_on());
    }
  }
  for (PingStream& stream : streams) CHECK(stream.end() == "");
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
