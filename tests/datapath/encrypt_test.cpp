// `pellicle encrypt`: its report on the states, what it removes, and the keys it shows.
#include <algorithm>
#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kCbcLine =
    "3 hmac(sha256) 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f cbc(aes) "
    "000102030405060708090a0b0c0d0e0f";

void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", std::vector<std::string>{"10.0.1.52", "fd00:10:1::34"});
  lab.add_pod("worker2", "cni-fcnh6", std::vector<std::string>{"10.0.0.249", "fd00:10::f9"});
}

Json states(const NodeAgent& agent) {
  return Json::parse(agent.ctl("encrypt status -o json").output)["states"];
}

// The state with this direction and destination; null if there is none.
Json state(const NodeAgent& agent, const std::string& direction, const std::string& dst) {
  for (const auto& each : states(agent)) {
    if (each["direction"] == direction && each["dst"] == dst) return each;
  }
  return nullptr;
}

void plant_foreign_state() {
  must_in("worker",
          "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x77 reqid 77 mode tunnel "
          "aead 'rfc4106(gcm(aes))' 0x8877665544332211008877665544332211008877 128");
}

bool foreign_state_is_there() {
  return must_in("worker", "ip xfrm state").find("spi 0x00000077") != std::string::npos;
}

// At a terminal, where `answer` is typed.
Result at_a_terminal(const NodeAgent& agent, const std::string& arguments,
                     const std::string& answer) {
  const std::string command = program("pellicle") + " --socket " + agent.socket() + " " + arguments;
  return sh_in("worker", "(sleep 1; echo " + answer + "; sleep 1) | script --quiet --return " +
                             "--command " + shell_word(command) + " /dev/null");
}

// tshark's reading of the capture with only the exported lines.
std::string read_with_export(const NodeAgent& agent, const std::string& pcap) {
  const std::string home = "/run/wireshark";
  std::filesystem::create_directories(home + "/.config/wireshark");
  must_in("worker", program("pellicle") + " --socket " + agent.socket() +
                        " encrypt export --wireshark --force > " + home +
                        "/.config/wireshark/esp_sa");
  return must("HOME=" + home + " tshark -n -r " + shell_word(pcap) +
              " -o esp.enable_encryption_decode:TRUE 2>/dev/null");
}

void check_ping_is_read(Lab& lab, const std::string& from, const std::string& to) {
  const auto& agent = lab.agent("worker");
  auto& capture = lab.capture("worker", "eth0", "ip proto 50 or ip6 proto 50");
  REQUIRE(lab.ping("net", to).ok());
  capture.flush();
  const auto text = read_with_export(agent, capture.path());
  CAPTURE(text);
  CHECK_THAT(text, Contains(from + " → " + to) && Contains("Echo (ping) request"));
  CHECK_THAT(text, Contains(to + " → " + from) && Contains("Echo (ping) reply"));
}

}  // namespace

TEST_CASE("encrypt status counts what is sent and received, by peer and in Cilium's words") {
  Lab lab({.nodes = dual_stack_nodes(), .key_line = api::kSeedKeyLine});
  lab.start_agents();
  add_pods(lab);
  REQUIRE(lab.ping("net", "10.0.0.249", 5).ok());
  const auto& agent = lab.agent("worker");
  const auto text = agent.ctl("encrypt status");
  CAPTURE(text.output);
  CHECK(text.ok());
  CHECK(
      text.output.starts_with("Encryption: IPsec\nDecryption interface(s): eth0\nKeys in use: 1\n"
                              "Max Seq. Number: 0x5/0xffffffff\nErrors: 0\nKey ids: 3\n"));
  CHECK_THAT(text.output, Contains("\nworker2\n") && Contains("\ncontrol-plane\n"));

  const auto out = state(agent, "out", "10.0.0.40");
  CHECK(out["peer"] == "worker2");
  CHECK(out["sequence"] == 5);
  CHECK(out["packets"] == 5);
  CHECK(out["bytes"] == 5 * 84);
  CHECK(out["stale"] == false);
  CHECK(state(agent, "in", "10.0.1.138")["packets"] == 5);
  CHECK(state(agent, "out", "fd00:10::28")["packets"] == 0);
  REQUIRE(lab.ping("net", "fd00:10::f9", 7).ok());
  CHECK(state(agent, "out", "fd00:10::28")["sequence"] == 7);
  CHECK(state(agent, "in", "fd00:10:1::8a")["packets"] == 7);
  const auto json = Json::parse(agent.ctl("encrypt status -o json").output);
  CHECK(json["mode"] == "IPsec");
  CHECK(json["ipsec"]["max-seq-number"] == "0x7/0xffffffff");
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("encrypt status reads the kernel alone where no agent runs, and names its errors") {
  Lab lab({.key_line = kCbcLine});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(lab.ping("net", "10.0.0.249", 2).ok());
  const auto& agent = lab.agent("worker");
  lab.agent("worker").stop();
  must_in("worker", "ip xfrm state delete dst 10.0.1.138 proto esp spi 3 mark 0xd00 mask 0xf00");
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  const auto text = agent.ctl("encrypt status");
  CAPTURE(text.output);
  CHECK(text.ok());
  CHECK_THAT(text.output, Contains("this is what the kernel alone tells") &&
                              Contains("Errors: 1\n\tXfrmInNoStates: 1\n") &&
                              Contains("Keys in use: 1\n") && Contains("\n10.0.0.40\n") &&
                              Contains("hmac(sha256) cbc(aes)"));
}

TEST_CASE("encrypt flush removes what it lists, nothing foreign, and the agent makes it anew") {
  Lab lab({.key_line = api::kSeedKeyLine});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(lab.ping("net", "10.0.0.249", 3).ok());
  plant_foreign_state();
  const auto& agent = lab.agent("worker");
  const auto before = states(agent).size();

  const auto unasked = agent.ctl("encrypt flush");
  CHECK(unasked.status == 2);
  CHECK_THAT(unasked.output, Contains("These states are removed:") &&
                                 Contains("out spi 0x00000003, key 3, worker2") &&
                                 Contains("needs --force when nobody can be asked"));
  CHECK(state(agent, "out", "10.0.0.40")["sequence"] == 3);
  CHECK_THAT(agent.ctl("encrypt flush --force --spi 0x99").output, Contains("nothing to remove"));
  CHECK_THAT(agent.ctl("encrypt flush --force --stale").output, Contains("nothing to remove"));
  CHECK(at_a_terminal(agent, "encrypt flush", "no").status == 2);
  CHECK(state(agent, "out", "10.0.0.40")["sequence"] == 3);

  const auto flushed = at_a_terminal(agent, "encrypt flush --spi 3", "yes");
  CAPTURE(flushed.output);
  CHECK(flushed.ok());
  CHECK_THAT(flushed.output, Contains("remove state"));
  CHECK(wait_until([&] { return states(agent).size() == before; }));
  CHECK(foreign_state_is_there());
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.cleartext().empty());
  // No sequence number is sent twice under one key.
  for (const auto& [tunnel, numbers] : esp_numbers(lab.network().wire())) {
    for (const auto& [number, times] : numbers) CHECK(times <= 2);
  }
}

TEST_CASE("encrypt flush works where no agent runs, which puts everything back at its start") {
  Lab lab;
  lab.start_agents();
  plant_foreign_state();
  const auto& agent = lab.agent("worker");
  lab.agent("worker").stop();
  CHECK(agent.ctl("encrypt flush --force --stale").status == 3);
  const auto flushed = agent.ctl("encrypt flush --force -o json");
  CAPTURE(flushed.output);
  CHECK(flushed.ok());
  CHECK(foreign_state_is_there());
  CHECK(must_in("worker", "ip xfrm state list reqid 1").empty());
  CHECK_THAT(agent.ctl("encrypt flush --force").output, Contains("nothing to remove"));
  lab.start_agent("worker");
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  CHECK(lab.ping("net", "10.0.0.249").ok());
}

TEST_CASE("encrypt export is all that Wireshark needs to read a ping, in both families") {
  Lab lab({.nodes = dual_stack_nodes()});
  lab.start_agents();
  add_pods(lab);
  check_ping_is_read(lab, "10.0.1.52", "10.0.0.249");
  check_ping_is_read(lab, "fd00:10:1::34", "fd00:10::f9");
}

TEST_CASE("encrypt export is all that Wireshark needs to read a ping, with CBC") {
  Lab lab({.key_line = kCbcLine});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  check_ping_is_read(lab, "10.0.1.52", "10.0.0.249");
}

TEST_CASE("encrypt export shows keys to root at a terminal, or to whom it is forced to") {
  Lab lab({.key_line = api::kSeedKeyLine});
  lab.start_agents();
  const auto& agent = lab.agent("worker");
  const std::string key = "000102030405060708090a0b0c0d0e0f10111213";
  auto said = agent.ctl("encrypt export --wireshark");
  CHECK(said.status == 2);
  CHECK_THAT(said.output, Contains("to a terminal only") && !Contains(key));
  said = at_a_terminal(agent, "encrypt export --wireshark", "no");
  CHECK(said.status == 2);
  CHECK_THAT(said.output, Contains("Type 'yes'") && !Contains(key));
  said = at_a_terminal(agent, "encrypt export --wireshark", "yes");
  CHECK(said.ok());
  CHECK_THAT(said.output, Contains("\"0x" + key + "\""));
  said = sh_in("worker", "setpriv --reuid 65534 --clear-groups " + program("pellicle") +
                             " encrypt export --wireshark --force");
  CHECK(said.status == 2);
  CHECK_THAT(said.output, Contains("to root only") && !Contains(key));
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
