// Clear text with a peer's pod as its source: when an agent starts to drop it, and what else drops
// it.
#include "tests/datapath/raw_frames.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

const std::string kOutside;  // the guest's root namespace, 172.18.0.1

}  // namespace

TEST_CASE("clear text is dropped once its node has said that it encrypts, or observed") {
  Lab lab({.agent_config = "strict-ingress = \"observe\"\n"});
  const auto say = [&](const api::Json& word) {
    lab.api().patch(api::node_key("worker2"),
                    {{"metadata", {{"annotations", {{"pellicle.io/encrypts", word}}}}}});
  };
  lab.start_agent("worker");
  lab.add_pod("worker", "net", "10.0.1.52");
  auto& capture = lab.capture("net", "eth0");
  const RawDevice wire(kOutside, "kind");
  size_t sent = 0;
  const auto comes_in = [&] {
    const auto text = "in the clear " + std::to_string(++sent);
    auto packet = with_text("10.0.0.249", "10.0.1.52", text);
    packet.to = mac_bytes(docker_mac(lab.network().node("worker").address));
    wire.send(frame(packet));
    auto marker = with_text("172.18.0.1", "10.0.1.52", "behind it " + std::to_string(sent));
    marker.to = packet.to;
    wire.send(frame(marker));
    REQUIRE(wait_until([&] {
      return !packets_with(capture.packets(), "behind it " + std::to_string(sent)).empty();
    }));
    return !packets_with(capture.packets(), text).empty();
  };
  const auto heard = [&](const char* word) {
    return wait_until([&] {
      const auto peers = lab.agent("worker").ask("status")["peers"];
      return std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
        return peer["name"] == "worker2" && peer["encrypts"] == word;
      });
    });
  };
  CHECK(comes_in());  // agents of older versions have no such annotation
  CHECK(lab.agent("worker").ask("status")["forgeries"].empty());
  say("pods");
  REQUIRE(heard("pods"));
  CHECK(comes_in());
  const auto forgeries = lab.agent("worker").ask("status")["forgeries"];
  REQUIRE(forgeries.size() == 1);
  CHECK(forgeries[0]["kind"] == "clear_observed");
  CHECK(forgeries[0]["owner"] == "worker2");
  CHECK(lab.agent("worker").ask("status")["drops"]["clear_text"]["packets"] == 0);

  lab.agent("worker").stop();
  lab.agent("worker").start();
  REQUIRE(lab.agent("worker").wait_ready());
  CHECK_FALSE(comes_in());
  CHECK(lab.agent("worker").ask("status")["drops"]["clear_text"]["packets"] == 1);

  // The same without an agent and without a program: the kernel's own policy drops it.
  lab.agent("worker").stop();
  must_in("worker", "tc filter del dev eth0 ingress");
  CHECK_FALSE(comes_in());
  CHECK_THAT(must_in("worker", "grep XfrmInTmplMismatch /proc/net/xfrm_stat"), Contains("\t1\n"));
  lab.start_agent("worker");

  say(nullptr);
  REQUIRE(heard(""));
  CHECK(comes_in());
}

}  // namespace this_file
