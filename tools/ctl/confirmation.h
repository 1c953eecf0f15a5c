// Asking before something that cannot be taken back.
#pragma once

#include <string>

namespace pellicle::ctl {

// True when a person types 'yes'. When nobody can be asked (stdin is no terminal): says on stderr
// that `command` needs --force, and false. The question goes to stderr: stdout is for results.
bool confirmed(const std::string& command, const std::string& question);

}  // namespace pellicle::ctl
