#include "tests/harness/lab/network.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace pellicle::lab {

namespace {

NodeSpec node_spec(const char* name, const char* address, const char* cidr, const char* router) {
  return {.name = name,
          .address = IpAddress::parse(address).value(),
          .pod_cidr = Cidr::parse(cidr).value(),
          .router = IpAddress::parse(router).value()};
}

// The kernel may be booted without IPv6.
bool has_ipv6() {
  return std::filesystem::exists("/proc/sys/net/ipv6");
}

// One ip process for many lines: processes start slowly in User-Mode Linux.
void ip_batch(const std::string& lines, const std::string& netns = "") {
  must_in(netns, "printf %s " + shell_word(lines) + " | ip -batch -");
}

// Device names are limited to 15 characters, node names may be longer.
std::string port_name(const IpAddress& address) {
  return "port" + std::to_string(address.v4_host_order() & 0xffff);
}

// rp_filter 2 is what systemd's 50-default.conf sets on a node: the agent has to cope with it.
void start_node(const NodeSpec& node) {
  std::string ipv6;
  if (node.ipv6) {
    ipv6 = "addr add " + node.ipv6->address.to_string() +
           "/64 dev eth0 nodad\nroute add default via fd00:172::1 dev eth0\n";
  }
  must_in(node.name,
          "for dev in default eth0; do echo 2 > /proc/sys/net/ipv4/conf/$dev/rp_filter; done");
  ip_batch("link set lo up\naddr add " + node.address.to_string() +
               "/16 brd + dev eth0\nlink set eth0 up\nroute add default via 172.18.0.1 dev eth0\n" +
               ipv6,
           node.name);
}

constexpr uint8_t kEsp = 50;

// The node that has the address, or whose PodCIDRs contain it.
const NodeSpec* owner(const std::vector<NodeSpec>& nodes, const IpAddress& address) {
  for (const NodeSpec& node : nodes) {
    if (address == node.address || node.pod_cidr.contains(address)) return &node;
    if (!node.ipv6) continue;
    if (address == node.ipv6->address || node.ipv6->pod_cidr.contains(address)) return &node;
  }
  return nullptr;
}

// A neighbour solicitation or advertisement; the captures hold only those between global addresses.
bool is_discovery(const Packet& packet) {
  constexpr uint8_t kIcmpv6 = 58;
  constexpr size_t kType = 14 + 40;
  if (packet.protocol != kIcmpv6 || packet.frame.size() <= kType) return false;
  const auto type = static_cast<uint8_t>(packet.frame[kType]);
  return type == 135 || type == 136;
}

}  // namespace

std::vector<NodeSpec> seed_nodes() {
  return {node_spec("worker", "172.18.0.3", "10.0.1.0/24", "10.0.1.138"),
          node_spec("worker2", "172.18.0.4", "10.0.0.0/24", "10.0.0.40"),
          node_spec("control-plane", "172.18.0.2", "10.0.2.0/24", "10.0.2.52")};
}

std::vector<NodeSpec> dual_stack_nodes() {
  auto nodes = seed_nodes();
  const auto give = [&](size_t at, const char* address, const char* cidr, const char* router) {
    nodes[at].ipv6 = NodeSpec::Ipv6{.address = IpAddress::parse(address).value(),
                                    .pod_cidr = Cidr::parse(cidr).value(),
                                    .router = IpAddress::parse(router).value()};
  };
  give(0, "fd00:172::3", "fd00:10:1::/64", "fd00:10:1::8a");
  give(1, "fd00:172::4", "fd00:10::/64", "fd00:10::28");
  give(2, "fd00:172::2", "fd00:10:2::/64", "fd00:10:2::34");
  return nodes;
}

NodeSpec fourth_node() {
  return node_spec("worker3", "172.18.0.5", "10.0.3.0/24", "10.0.3.17");
}

std::string docker_mac(const IpAddress& address) {
  const uint8_t* bytes = address.data();
  char text[18];
  std::snprintf(text, sizeof text, "02:42:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3]);
  return text;
}

// The bridge forwards between nodes without netfilter (br_netfilter is not loaded), and the root
// namespace does not route, so everything that passes between nodes was sent by a node.
Network::Network(std::string log_dir, const std::vector<NodeSpec>& nodes, bool recorded)
    : log_dir_(std::move(log_dir)), recorded_(recorded) {
  ip_batch(
      "link add kind type bridge forward_delay 0 stp_state 0\n"
      "addr add 172.18.0.1/16 brd + dev kind\n" +
      std::string(has_ipv6() ? "link set kind addrgenmode none\n"
                               "addr add fd00:172::1/64 dev kind nodad\n"
                             : "") +
      "link set kind up\n");
  plug(nodes);
}

Network::~Network() {
  for (Capture& capture : wire_) {
    try {
      capture.stop();
    } catch (const LabError& error) {
      std::fprintf(stderr, "lab: %s\n", error.what());
    }
  }
  std::string lines = "link del kind\n";
  for (const NodeSpec& node : nodes_) {
    lines += "link del " + ports_.at(node.name) + "\nnetns del " + node.name + "\n";
  }
  sh("printf %s " + shell_word(lines) + " | ip -force -batch -");
}

void Network::add(const NodeSpec& node) {
  plug({node});
}

// Captures the wire before a node can send.
void Network::plug(const std::vector<NodeSpec>& nodes) {
  std::string lines;
  for (const NodeSpec& node : nodes) {
    const std::string port = ports_[node.name] = port_name(node.address);
    lines += "netns add " + node.name + "\nlink add " + port +
             " type veth peer name eth0 address " + docker_mac(node.address) + " netns " +
             node.name + "\nlink set " + port + (has_ipv6() ? " addrgenmode none" : "") +
             " master kind up\n";
    nodes_.push_back(node);
  }
  ip_batch(lines);
  if (recorded_) record(nodes);
  for (const NodeSpec& node : nodes) start_node(node);
}

// Captures at the bridge's end, in both directions. (With `inbound` in a filter, libpcap 1.10 loses
// a capture's first packet: it filters that packet itself and does not know its direction.) 160
// bytes hold the headers and the beginning of the payload.
void Network::record(const std::vector<NodeSpec>& nodes) {
  std::vector<Capture*> started;
  for (const NodeSpec& node : nodes) {
    wire_.emplace_back(
        CaptureSpec{.netns = "",
                    .dev = ports_.at(node.name),
                    .filter = "ip or (ip6 and not net fe80::/10 and not net ff00::/8)",
                    .promiscuous = true,
                    .bytes_per_packet = 160},
        log_dir_ + "/wire-" + node.name + ".pcap");
    started.push_back(&wire_.back());
  }
  for (Capture* capture : started) capture->ready();
}

void Network::remove(const std::string& name) {
  const NodeSpec gone = node(name);
  const std::string file = log_dir_ + "/wire-" + name + ".pcap";
  for (Capture& capture : wire_) {
    if (capture.path() == file) capture.stop();
  }
  must("ip netns del " + name + "; ip link del " + ports_.at(name) + " || true");
  std::erase(nodes_, gone);
}

void Network::change_address(const std::string& name, const IpAddress& address) {
  const std::string old = node(name).address.to_string();
  ip_batch("addr del " + old + "/16 dev eth0\naddr add " + address.to_string() +
               "/16 brd + dev eth0\nroute replace default via 172.18.0.1 dev eth0\n",
           name);
  const auto found = std::find(nodes_.begin(), nodes_.end(), node(name));
  found->address = address;
}

const NodeSpec& Network::node(const std::string& name) const {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const NodeSpec& node) { return node.name == name; });
  if (found == nodes_.end()) throw LabError("the lab has no node " + name);
  return *found;
}

std::vector<Packet> Network::wire() {
  if (!recorded_) throw LabError("nothing of this lab's wires was recorded");
  std::vector<Packet> packets;
  for (Capture& capture : wire_) {
    const std::vector<Packet> sent = capture.packets();
    packets.insert(packets.end(), sent.begin(), sent.end());
  }
  return packets;
}

std::vector<Packet> Network::unencrypted() {
  std::vector<Packet> packets = wire();
  std::erase_if(packets, [&](const Packet& packet) {
    const NodeSpec* from = owner(nodes_, packet.src);
    const NodeSpec* to = owner(nodes_, packet.dst);
    return from == nullptr || to == nullptr || from == to || packet.protocol == kEsp ||
           is_discovery(packet);
  });
  return packets;
}

}  // namespace pellicle::lab
