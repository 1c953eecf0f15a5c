#include "tests/bpf/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/harness/catch.h"

namespace pellicle {

namespace {

constexpr int kReceiveMark = 75;  // SO_RCVMARK, since Linux 5.19; not in glibc 2.36's headers

// One process runs all commands: in the guest, starting a process is slow.
void ip_batch(const std::vector<std::string>& commands, const char* program = "ip -batch -") {
  FILE* pipe = popen(program, "w");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (const auto& command : commands) text += command + "\n";
  INFO(text);
  std::fputs(text.c_str(), pipe);
  REQUIRE(pclose(pipe) == 0);
}

void ask(unsigned long request, const std::string& device, ifreq& answer) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  device.copy(answer.ifr_name, IFNAMSIZ - 1);
  INFO(device);
  REQUIRE(ioctl(socket.get(), request, &answer) == 0);
}

// A new device drops outgoing packets until the kernel has noticed its carrier.
void wait_until_running(const std::string& device) {
  for (int tries = 0; tries < 1000; ++tries) {
    ifreq answer{};
    ask(SIOCGIFFLAGS, device, answer);
    if (answer.ifr_flags & IFF_RUNNING) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("device " << device << " has no carrier");
}

uint32_t mark_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_MARK) continue;
    uint32_t mark = 0;
    std::memcpy(&mark, CMSG_DATA(part), sizeof(mark));
    return mark;
  }
  return 0;
}

// What the test's own kernel says to its neighbours at times of its own, such as MLD reports.
bool ipv6_multicast(const Bytes& frame) {
  return frame.size() >= 2 && frame[0] == 0x33 && frame[1] == 0x33;
}

// Opening the device file makes the kernel load the tun module. udev, which normally creates the
// file, does not run in a guest.
int open_tun() {
  constexpr const char* kFile = "/dev/net/tun";
  mkdir("/dev/net", 0755);
  mknod(kFile, S_IFCHR | 0600, makedev(10, 200));
  return open(kFile, O_RDWR | O_CLOEXEC);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Net::Net() : before_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
  REQUIRE(before_.get() >= 0);
  REQUIRE(unshare(CLONE_NEWNET) == 0);
  set_sysctl("net/ipv6/conf/default/accept_dad", "0");
  set_sysctl("net/ipv6/conf/default/addr_gen_mode", "1");  // no address generation
  ip_batch({"link set lo up", "link add eth0 mtu 9000 type veth peer name wire mtu 9000",
            "link add cilium_host mtu 9000 type veth peer name cilium_net mtu 9000",
            "link add lxc mtu 9000 type veth peer name pod mtu 9000", "link set eth0 up",
            "link set wire up", "link set cilium_host up", "link set cilium_net up",
            "link set lxc up", "link set pod up"});
  for (const char* device : {"eth0", "wire", "cilium_host", "cilium_net", "lxc", "pod"})
    wait_until_running(device);
  ip("address add 172.18.0.3/16 dev eth0");
  set_sysctl("net/ipv4/conf/cilium_net/forwarding", "1");
}

Net::~Net() {
  if (setns(before_.get(), CLONE_NEWNET) != 0) std::abort();  // else the next test runs in here
}

datapath::datapath_config Net::config() const {
  return worker(ifindex("cilium_host"), ifindex("cilium_net"), ifindex("eth0"));
}

void ip(const std::string& arguments) {
  ip_batch({arguments});
}

void ip6(const std::string& arguments) {
  ip_batch({arguments}, "ip -6 -batch -");
}

void set_sysctl(const std::string& path, const std::string& value) {
  INFO(path);
  std::ofstream file("/proc/sys/" + path);
  file << value << std::flush;
  REQUIRE(file.good());
}

uint32_t ifindex(const std::string& device) {
  const uint32_t index = if_nametoindex(device.c_str());
  REQUIRE(index != 0);
  return index;
}

MacBytes mac(const std::string& device) {
  ifreq answer{};
  ask(SIOCGIFHWADDR, device, answer);
  MacBytes bytes{};
  std::memcpy(bytes.data(), answer.ifr_hwaddr.sa_data, bytes.size());
  return bytes;
}

Tun::Tun(const std::string& device) : file_(open_tun()) {
  REQUIRE(file_.get() >= 0);
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  REQUIRE(ioctl(file_.get(), TUNSETIFF, &request) == 0);
  ip("link set " + device + " mtu 9000 up");
  wait_until_running(device);
}

void Tun::arrive(const Bytes& packet) const {
  REQUIRE(write(file_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()));
}

std::optional<Bytes> Tun::left(std::chrono::milliseconds time) const {
  pollfd ready{.fd = file_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, static_cast<int>(time.count())) != 1) return std::nullopt;
  Bytes packet(10000);
  const ssize_t size = read(file_.get(), packet.data(), packet.size());
  REQUIRE(size > 0);
  packet.resize(static_cast<size_t>(size));
  return packet;
}

Tap::Tap(const std::string& device, uint16_t ethertype)
    : socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  REQUIRE(socket_.get() >= 0);
  const int on = 1;
  REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, kReceiveMark, &on, sizeof(on)) == 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ethertype);
  address.sll_ifindex = static_cast<int>(ifindex(device));
  REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

void Tap::send(const Bytes& frame, uint32_t mark) const {
  REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
  const ssize_t sent = ::send(socket_.get(), frame.data(), frame.size(), 0);
  if (sent < 0 && errno == ENOBUFS) return;  // tc egress dropped the packet
  REQUIRE(sent == static_cast<ssize_t>(frame.size()));
}

std::optional<Received> Tap::receive(std::chrono::milliseconds time) const {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + time;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, std::max(0, static_cast<int>(left))) != 1) return std::nullopt;
    Received received = read_frame();
    if (!ipv6_multicast(received.frame)) return received;
  }
}

Received Tap::read_frame() const {
  Received received{.frame = Bytes(10000)};
  sockaddr_ll from{};
  alignas(cmsghdr) std::array<char, 256> control{};
  iovec part{received.frame.data(), received.frame.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(socket_.get(), &message, 0);
  REQUIRE(size > 0);
  received.frame.resize(static_cast<size_t>(size));
  received.type = from.sll_pkttype;
  received.mark = mark_of(message);
  return received;
}

}  // namespace pellicle
