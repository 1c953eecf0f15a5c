#include "tests/bench/datapath/flow.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <vector>

#include "tests/harness/lab/node_agent.h"

namespace pellicle::bench {

namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using Clock = std::chrono::steady_clock;

constexpr uint16_t kPort = 5201;
constexpr size_t kDatagram = 64;            // bytes
constexpr size_t kChunk = size_t{1} << 17;  // bytes a write

std::string self() {
  return lab::program("bench-datapath");
}

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int receive(const std::string& address) {
  boost::asio::io_context io;
  const auto ip = boost::asio::ip::make_address(address);
  const udp::socket datagrams(io, udp::endpoint(ip, kPort));
  tcp::acceptor acceptor(io, tcp::endpoint(ip, kPort));
  std::puts("ready");
  std::fflush(stdout);
  std::vector<char> bytes(kChunk);
  for (;;) {
    tcp::socket socket = acceptor.accept();
    boost::system::error_code end;
    while (!end) socket.read_some(boost::asio::buffer(bytes), end);
  }
}

// Prints bytes, seconds and the segment.
int send_tcp(const std::string& address, double seconds) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect({boost::asio::ip::make_address(address), kPort});
  const std::vector<char> bytes(kChunk, 'x');
  const auto begin = Clock::now();
  size_t sent = 0;
  while (since(begin) < seconds) sent += boost::asio::write(socket, boost::asio::buffer(bytes));
  socket.shutdown(tcp::socket::shutdown_send);
  std::array<char, 1> none{};
  boost::system::error_code closed;
  socket.read_some(boost::asio::buffer(none), closed);  // once it has all of it
  const double taken = since(begin);
  tcp_info info{};
  socklen_t length = sizeof info;
  getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &length);
  std::printf("%zu %.6f %u\n", sent, taken, info.tcpi_snd_mss);
  return 0;
}

// Prints seconds.
int send_datagrams(const std::string& address, double seconds) {
  boost::asio::io_context io;
  udp::socket socket(io, udp::v4());
  socket.connect({boost::asio::ip::make_address(address), kPort});
  const std::array<char, kDatagram> bytes{};
  const auto begin = Clock::now();
  while (since(begin) < seconds) {
    for (int i = 0; i < 16; ++i) socket.send(boost::asio::buffer(bytes));
  }
  std::printf("%.6f\n", since(begin));
  return 0;
}

// As /proc/net/dev of the namespace has it.
double packets_received(const std::string& netns) {
  std::istringstream line(lab::must_in(netns, "sed -n 's/^ *eth0://p' /proc/net/dev"));
  double bytes = 0;
  double packets = 0;
  line >> bytes >> packets;
  return packets;
}

}  // namespace

Receiver::Receiver(std::string netns, std::string address)
    : netns_(std::move(netns)),
      address_(std::move(address)),
      process_({self(), "receive", address_}, "/run/lab/receiver-" + netns_, netns_) {
  const bool ready =
      lab::wait_until([this] { return process_.output().find("ready") != std::string::npos; });
  if (!ready) throw lab::LabError("no receiver in " + netns_ + ": " + process_.output());
}

std::string Receiver::send(const std::string& netns, const std::string& what, double seconds) {
  const std::string command = self() + " send " + what + " " + address_ + " ";
  return lab::must_in(netns, command + std::to_string(seconds));
}

double Receiver::tcp(const std::string& netns, double seconds) {
  std::istringstream printed(send(netns, "tcp", seconds));
  double bytes = 0;
  double taken = 1;
  printed >> bytes >> taken;
  return bytes / taken;
}

unsigned Receiver::segment(const std::string& netns) {
  std::istringstream printed(send(netns, "tcp", 0.1));
  double skipped = 0;
  unsigned segment = 0;
  printed >> skipped >> skipped >> segment;
  return segment;
}

double Receiver::datagrams(const std::string& netns, double seconds) {
  const double before = packets_received(netns_);
  const double taken = std::stod(send(netns, "datagrams", seconds));
  return (packets_received(netns_) - before) / taken;
}

std::optional<int> flow_program(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "receive") return receive(words[1]);
  if (words.size() != 4 || words[0] != "send") return std::nullopt;
  const double seconds = std::stod(words[3]);
  return words[1] == "tcp" ? send_tcp(words[2], seconds) : send_datagrams(words[2], seconds);
}

}  // namespace pellicle::bench
