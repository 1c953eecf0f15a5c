#include "agent/preflight/ports.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "agent/preflight/processes.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

// 127.0.0.1:9879 listens, 10.0.2.15:34806 talks, 172.18.0.3:4240 listens.
constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:2697 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "1001 1 "
    "0000000000000000 100 0 0 10 0\n"
    "   1: 0F02000A:87F6 0100007F:1090 01 00000000:00000000 00:00000000 00000000     0        0 "
    "1002 1 "
    "0000000000000000 20 4 30 10 -1\n"
    "   2: 030012AC:1090 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "1003 1 "
    "0000000000000000 100 0 0 10 0\n";
constexpr const char* kTcp6 =
    "  sl  local_address                         remote_address                        st ...\n"
    "   0: 00000000000000000000000001000000:1090 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 2001 1 0000000000000000 100 0 0 10 0\n"
    "   1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 2002 1 0000000000000000 100 0 0 10 0\n";

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

const WantedPort kHealth{.what = "health", .address = std::nullopt, .port = 4240};

std::string nobody(uint64_t) {
  return "";
}

}  // namespace

TEST_CASE("preflight: the sockets that listen are read out of /proc/net/tcp and tcp6") {
  CHECK(parse_listeners(kTcp) ==
        std::vector<Listener>{{ip("127.0.0.1"), 9879, 1001}, {ip("172.18.0.3"), 4240, 1003}});
  CHECK(parse_listeners(kTcp6) ==
        std::vector<Listener>{{ip("::1"), 4240, 2001}, {ip("::"), 80, 2002}});
  CHECK(parse_listeners("").empty());
  CHECK(parse_listeners("0: 7F:1 0 0A\n").empty());
}

TEST_CASE("preflight: a port is taken by who listens there or everywhere, not by others") {
  const auto verdict = [](const WantedPort& wanted, std::vector<Listener> listeners) {
    return judge_port(wanted, listeners, nobody, false).verdict;
  };
  CHECK(verdict(kHealth, {}) == Verdict::ok);
  CHECK(verdict(kHealth, {{ip("127.0.0.1"), 4240, 1}}) == Verdict::ok);  // another address
  CHECK(verdict(kHealth, {{ip("::1"), 4240, 1}}) == Verdict::ok);
  CHECK(verdict(kHealth, {{ip("172.18.0.3"), 4241, 1}}) == Verdict::ok);
  CHECK(verdict(kHealth, {{ip("172.18.0.3"), 4240, 1}}) == Verdict::fail);
  CHECK(verdict(kHealth, {{ip("::"), 4240, 1}}) == Verdict::fail);
  const auto probes = wanted_port("127.0.0.1:9879").value();
  CHECK(verdict(probes, {{ip("127.0.0.1"), 9879, 1}}) == Verdict::fail);
  CHECK(verdict(probes, {{ip("0.0.0.0"), 9879, 1}}) == Verdict::fail);
  CHECK(verdict(probes, {{ip("10.0.0.1"), 9879, 1}}) == Verdict::ok);
  const auto everywhere = wanted_port(":9879").value();
  CHECK(verdict(everywhere, {{ip("10.0.0.1"), 9879, 1}}) == Verdict::fail);
  CHECK(wanted_port("[::1]:9879")->address == ip("::1"));
  CHECK_FALSE(wanted_port(""));
}

TEST_CASE("preflight: who took the port is named, and an agent of ours may have it") {
  const std::vector<Listener> taken{{ip("0.0.0.0"), 4240, 77}};
  const auto nginx = [](uint64_t inode) { return inode == 77 ? "nginx (pid 81)" : ""; };
  const auto found = judge_port(kHealth, taken, nginx, true);
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.found == "taken by nginx (pid 81) at 0.0.0.0");
  const auto agent = [](uint64_t) { return "pellicle-agent (pid 9)"; };
  CHECK(judge_port(kHealth, taken, agent, false).verdict == Verdict::ok);
  // Of another PID namespace: only that an agent answers is known.
  CHECK(judge_port(kHealth, taken, nobody, true).verdict == Verdict::ok);
  CHECK(judge_port(kHealth, taken, nobody, false).verdict == Verdict::fail);
}

TEST_CASE("preflight: the process that has a socket is found") {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  const auto port = acceptor.local_endpoint().port();
  const auto processes = read_processes();
  CHECK(processes.contains(getpid()));
  bool found = false;
  for (const auto& listener : read_listeners()) {
    if (listener.port != port) continue;
    found = true;
    CHECK(owner_of_socket(listener.inode, processes) == getpid());
  }
  CHECK(found);
  CHECK(owner_of_socket(0, processes) == std::nullopt);
}

}  // namespace this_file
