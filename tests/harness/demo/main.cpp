// Shows one ping and one curl between pods of two nodes in a terminal. Runs inside a guest.
#include <cstdlib>
#include <iostream>

#include "tests/harness/demo/story.h"
#include "tests/harness/lab/seed_pods.h"

namespace {

using namespace pellicle;
using namespace pellicle::lab;
using pellicle::demo::Story;

constexpr const char* kKeyHex = "000102030405060708090a0b0c0d0e0f10111213";  // of the lab's Secret
const char* const kNodes[] = {"worker", "worker2", "control-plane"};

// tshark prints a warning first when it runs as root.
std::string without_warning(const std::string& text) {
  return text.starts_with("Running as") ? text.substr(text.find('\n') + 1) : text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void topology(Story& story) {
  story.chapter("Three nodes on one wire");
  story.say(R"(
     net       10.0.1.52    cni-fcnh6             cni-cp
     cni-s22px 10.0.1.103   10.0.0.249            10.0.2.77
            |                      |                     |
     +------+-------+       +------+-------+      +------+-------+
     | worker       |       | worker2      |      | control-plane|
     | cilium_host  |       | cilium_host  |      | cilium_host  |
     | 10.0.1.138   |       | 10.0.0.40    |      | 10.0.2.52    |
     +------+-------+       +------+-------+      +------+-------+
       eth0 | 172.18.0.3      eth0 | 172.18.0.4     eth0 | 172.18.0.2
     -------+----------------------+---------------------+-------  captured throughout
)");
}

void programmed(Story& story, Lab& lab) {
  story.chapter("What each agent programmed");
  for (const auto* node : kNodes) {
    const Result status = lab.agent(node).ctl("status");
    if (std::string(node) == "worker") story.show("pellicle status", status.output);
    story.check(status.ok(), std::string(node) + ": the agent says Ok");
    story.check(lab.agent(node).ctl("diff").ok(),
                std::string(node) + ": a second pass has nothing to do");
  }
  const auto picture = kernel_picture("worker");
  story.say("\nOn worker, as the kernel shows it (keys hidden):");
  story.show("ip rule", picture.rules);
  story.show("ip route show table main", picture.main_routes);
  story.show("ip route show table 200", picture.encrypt_routes);
  story.show("ip xfrm state", picture.states);
  story.show("ip xfrm policy", picture.policies);
}

struct Taps {
  Capture& eth0;
  Capture& host;
  Capture& net;
};

void captures(Story& story, Taps& taps) {
  story.say("\nThe same packet on three devices of worker:");
  const std::string eth0 = taps.eth0.text();
  const std::string host = taps.host.text();
  const std::string net = taps.net.text();
  story.show("tcpdump -pne -i cilium_host esp", host);
  story.show("tcpdump -pne -i cilium_net esp", net);
  story.show("tcpdump -pne -i eth0 esp", eth0);
  const std::string esp = "length 154: 10.0.1.138 > 10.0.0.40: ESP(spi=0x00000003";
  story.check(contains(host, esp) && contains(net, esp) && contains(eth0, esp),
              "the 98-byte ping left as 154 bytes of ESP between the two cilium_host addresses");
  story.check(contains(eth0, "10.0.0.40 > 10.0.1.138: ESP") && !contains(host, "10.0.0.40 > "),
              "the reply came back as ESP on eth0, and went from there straight to the pod");
}

void one_ping(Story& story, Lab& lab) {
  story.chapter("One ping");
  Taps taps{.eth0 = lab.capture("worker", "eth0", "esp"),
            .host = lab.capture("worker", "cilium_host", "esp"),
            .net = lab.capture("worker", "cilium_net", "esp")};
  const Result ping = lab.ping("net", "10.0.0.249");
  story.show("kubectl exec net -- ping -c 1 10.0.0.249", ping.output);
  story.check(ping.ok(), "pod net on worker reached pod cni-fcnh6 on worker2");
  captures(story, taps);

  story.say("\nThe packet on eth0 again, to somebody who has the key:");
  const std::string inner = without_warning(
      decrypted(taps.eth0.path(), {{"10.0.1.138", "10.0.0.40", "0x00000003", kKeyHex},
                                   {"10.0.0.40", "10.0.1.138", "0x00000003", kKeyHex}}));
  story.show("tshark -r eth0.pcap -o esp.enable_encryption_decode:TRUE ...", inner);
  story.check(contains(inner, "10.0.1.52") && contains(inner, "Echo (ping) request"),
              "inside is the ping that the pod sent");
}

void one_curl(Story& story, Lab& lab) {
  story.chapter("One curl");
  const Result page = lab.http_get("net", "http://10.0.0.249/");
  story.show("kubectl exec net -- curl http://10.0.0.249/", page.output);
  story.check(page.output == "PodName: cni-fcnh6 | PodIP: eth0 10.0.0.249/32\n",
              "the web server of pod cni-fcnh6 answered");
}

void everybody(Story& story, Lab& lab) {
  story.chapter("Everybody to everybody");
  for (const auto& from : kSeedPods) {
    for (const auto& to : kSeedPods) {
      if (from.name == to.name) continue;
      story.check(
          lab.ping(from.name, to.address).ok(),
          std::string(from.name) + " -> " + to.name + " (" + from.node + " to " + to.node + ")");
    }
  }
  const auto wire = lab.network().wire();
  const auto clear = lab.cleartext();
  for (const auto& packet : clear) story.say("in the clear: " + packet.text());
  story.check(clear.empty(), "of " + std::to_string(wire.size()) +
                                 " packets on all wires since the start, none between pods of two "
                                 "nodes was in the clear");
}

// The lab keeps running as long as the shell.
void shell() {
  std::cout
      << "\nA shell in the lab. The nodes are network namespaces, their files below /run/lab:\n"
         "  nsenter --net=/run/netns/worker ip xfrm state\n"
         "  nsenter --net=/run/netns/net ping 10.0.0.249\n"
         "  pellicle --socket /run/lab/worker/state/agent.sock status\n"
         "`exit` ends the lab.\n\n"
      << std::flush;
  const std::string bin = program("");
  const std::string path = bin + ":" + (std::getenv("PATH") ? std::getenv("PATH") : "");
  setenv("PATH", path.c_str(), 1);
  setenv("PS1", "lab# ", 1);
  const int status = std::system("setsid --ctty --wait bash --norc -i");
  if (status != 0) std::cout << "the shell ended with status " << status << "\n";
}

bool tell(bool keep) {
  // The guest's console is always a terminal: tools/demo knows what its own output is.
  Story story(std::getenv("PELLICLE_COLOUR") != nullptr);
  topology(story);
  story.doing("making the nodes, their wires and a Kubernetes API");
  Lab lab({.key_line = api::kSeedKeyLine, .agent_config = "pod-mtu = 1423\n"});
  story.doing("starting the three agents");
  lab.start_agents();
  for (const SeedPod& pod : kSeedPods) {
    story.doing(std::string("adding pod ") + pod.name + " to " + pod.node);
    lab.add_pod(pod.node, pod.name, pod.address);
    lab.serve_http(pod.name);
  }
  programmed(story, lab);
  one_ping(story, lab);
  one_curl(story, lab);
  everybody(story, lab);
  const bool pass = story.verdict();
  if (keep) shell();
  return pass;
}

}  // namespace

int main(int argc, char** argv) {
  const bool keep = argc > 1 && std::string(argv[1]) == "--keep";
  try {
    return tell(keep) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cout << "\nFAIL  " << error.what() << "\n";
    return 1;
  }
}
