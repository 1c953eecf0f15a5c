#include "tests/bench/datapath/hand_made.h"

namespace pellicle::bench {

namespace {

constexpr const char* kNodes[] = {"hand1", "hand2"};
constexpr const char* kNodeAddresses[] = {"172.18.0.201", "172.18.0.202"};
constexpr const char* kNetworks[] = {"10.200.1.0/24", "10.200.2.0/24"};

lab::NodeSpec node(int number) {
  return {.name = kNodes[number],
          .address = IpAddress::parse(kNodeAddresses[number]).value(),
          .pod_cidr = Cidr::parse(kNetworks[number]).value(),
          .router = IpAddress::parse(kNodeAddresses[number]).value()};
}

// The state and the policies of one direction, on node `here`.
std::string direction(int from, int here) {
  const std::string ends =
      std::string(" src ") + kNodeAddresses[from] + " dst " + kNodeAddresses[1 - from];
  const std::string selector =
      std::string(" src ") + kNetworks[from] + " dst " + kNetworks[1 - from];
  std::string lines = "ip xfrm state add" + ends + " proto esp spi 0x" +
                      (from == 0 ? "101" : "102") +
                      " reqid 1 mode tunnel replay-window 32 aead 'rfc4106(gcm(aes))' "
                      "0x000102030405060708090a0b0c0d0e0f10111213 128\n";
  for (const std::string dir : {"out", "in", "fwd"}) {
    if ((dir == "out") != (from == here)) continue;
    lines += "ip xfrm policy add" + selector + " dir " + dir + " tmpl" + ends +
             " proto esp reqid 1 mode tunnel\n";
  }
  return lines;
}

void start_node(int here) {
  const int there = 1 - here;
  lab::must_in(kNodes[here], "echo 1 > /proc/sys/net/ipv4/ip_forward\nip route add " +
                                 std::string(kNetworks[there]) + " via " + kNodeAddresses[there] +
                                 "\n" + direction(here, here) + direction(there, here));
}

void add_pod(int on, const std::string& pod, const std::string& address, unsigned mtu) {
  const std::string node = kNodes[on];
  const std::string dev = "to-" + pod.substr(pod.find('-') + 1);
  lab::must("ip netns add " + pod + " && ip link add " + dev + " netns " + node +
            " type veth peer name eth0 netns " + pod);
  lab::must_in(node, "ip link set " + dev + " up && ip route add " + address + " dev " + dev);
  lab::must_in(pod, "ip link set lo up && ip link set eth0 up && ip addr add " + address +
                        "/32 dev eth0 && ip route add default via " + kNodeAddresses[on] +
                        " dev eth0 onlink mtu " + std::to_string(mtu));
}

}  // namespace

HandMade::HandMade(lab::Network& network, unsigned mtu) {
  for (const int number : {0, 1}) network.add(node(number));
  for (const int number : {0, 1}) start_node(number);
  add_pod(0, kPod, "10.200.1.2", mtu);
  add_pod(0, kNeighbour, kNeighbourAddress, mtu);
  add_pod(1, kFar, kFarAddress, mtu);
}

HandMade::~HandMade() {
  for (const std::string pod : {kPod, kNeighbour, kFar}) lab::sh("ip netns del " + pod);
}

}  // namespace pellicle::bench
