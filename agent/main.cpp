// pellicle-agent's main().
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <new>
#include <string_view>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/heap.h"
#include "agent/log.h"

namespace {

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
  // Keeps keys out of core dumps and away from debuggers.
  prctl(PR_SET_DUMPABLE, 0);
  // A closed log pipe must not end the agent.
  std::signal(SIGPIPE, SIG_IGN);
  pellicle::HeldHeap::begin_without();
  const auto line = pellicle::parse_command_line({argv + 1, argv + argc});
  if (!line.run) {
    (line.status == 0 ? std::cout : std::cerr) << line.text;
    return line.status;
  }
  pellicle::log::start(line.config.log_level, line.config.log_format);
  try {
    return run(line.config);
  } catch (const std::bad_alloc&) {  // the message must not allocate
    constexpr std::string_view kText =
        "pellicle-agent: out of memory; what it has programmed keeps running\n";
    return write(STDERR_FILENO, kText.data(), kText.size()) < 0 ? 2 : 1;
  } catch (const std::exception& error) {
    pellicle::log::error("pellicle-agent cannot run", {{"error", error.what()}});
    return 1;
  }
}
