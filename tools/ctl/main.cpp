// `pellicle`: the command line for this node's agent.
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/ctl/agent_socket.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/exit.h"

namespace {

using namespace pellicle::ctl;

int run(int argc, char** argv) {
  Options options;
  int status = kOk;
  CLI::App app;
  add_commands(app, options, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  // Some commands have keys in memory, so no core dump may be written.
  prctl(PR_SET_DUMPABLE, 0);
  try {
    return run(argc, argv);
  } catch (const Unreachable& error) {
    std::cerr << "pellicle: " << error.what() << "\n";
    return kUnreachable;
  } catch (const nlohmann::json::exception& error) {
    // The agent has another version, whose fields differ.
    std::cerr << "pellicle: the answer is not what this pellicle " PELLICLE_VERSION
                 " expects (`pellicle version` shows the agent's): "
              << error.what() << "\n";
    return kDegraded;
  } catch (const std::exception& error) {
    std::cerr << "pellicle: " << error.what() << "\n";
    return kDegraded;
  }
}
