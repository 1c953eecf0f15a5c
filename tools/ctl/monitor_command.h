// `pellicle monitor` on the command line.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace pellicle::ctl {

// `socket` and `output` ("text" or "json") are options common to all commands, read when the
// command runs. `status` receives the exit status.
void add_monitor_command(CLI::App& app, const std::string& socket, const std::string& output,
                         int& status);

}  // namespace pellicle::ctl
