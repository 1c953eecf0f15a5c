// pellicle-operator's main().
#include <sys/prctl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "agent/log.h"
#include "tools/operator/await.h"
#include "tools/operator/operator.h"
#include "tools/operator/options.h"

namespace {

int wait_for_daemonset(const pellicle::OperatorOptions& options) {
  boost::asio::io_context context(1);
  pellicle::ApiClient client(
      context, pellicle::api_access(options.kubeconfig, options.service_host, options.service_port,
                                    "pellicle-operator"));
  int status = 1;
  pellicle::DaemonsetAwait await(context, client, options.await,
                                 std::chrono::seconds(options.await_limit), [&](int outcome) {
                                   status = outcome;
                                   context.stop();
                                 });
  await.start();
  context.run();
  return status;
}

int run(const pellicle::OperatorOptions& options) {
  if (!options.await.empty()) return wait_for_daemonset(options);
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  pellicle::Operator controller(context, options);
  signals.async_wait([&](boost::system::error_code error, int signal) {
    if (error) return;
    pellicle::log::info("pellicle-operator stops", {{"signal", signal}});
    controller.stop([&context] { context.stop(); });
  });
  controller.start();
  context.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Keeps keys out of core dumps and away from debuggers.
  prctl(PR_SET_DUMPABLE, 0);
  // A closed log pipe must not end the operator.
  std::signal(SIGPIPE, SIG_IGN);
  const auto line = pellicle::parse_operator_command_line({argv + 1, argv + argc});
  if (!line.run) {
    (line.status == 0 ? std::cout : std::cerr) << line.text;
    return line.status;
  }
  pellicle::log::start(line.options.log_level, line.options.log_format);
  try {
    return run(line.options);
  } catch (const std::exception& error) {
    pellicle::log::error("pellicle-operator cannot run", {{"error", error.what()}});
    return 1;
  }
}
