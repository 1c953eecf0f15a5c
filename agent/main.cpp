// pellicle-agent: wiring only.
#include <malloc.h>
#include <sys/prctl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/log.h"

namespace {

constexpr int kLargeBlock = 128 * 1024;  // bytes; what the C library begins with

int run(const pellicle::Config& config) {
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  pellicle::Agent agent(context, config);
  signals.async_wait([&context](boost::system::error_code error, int signal) {
    if (error) return;
    pellicle::log::info("pellicle-agent stops; the datapath stays as it is", {{"signal", signal}});
    context.stop();
  });
  agent.start();
  context.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // No core dump and no debugger may show a key.
  prctl(PR_SET_DUMPABLE, 0);
  // Whoever read our log has gone: no reason to go too.
  std::signal(SIGPIPE, SIG_IGN);
  // Large blocks are given back when they are freed, also when larger ones were freed before.
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  const auto line = pellicle::parse_command_line({argv + 1, argv + argc});
  if (!line.run) {
    (line.status == 0 ? std::cout : std::cerr) << line.text;
    return line.status;
  }
  pellicle::log::start(line.config.log_level, line.config.log_format);
  try {
    return run(line.config);
  } catch (const std::exception& error) {
    pellicle::log::error("pellicle-agent cannot run", {{"error", error.what()}});
    return 1;
  }
}
