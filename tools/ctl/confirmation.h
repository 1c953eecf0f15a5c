// Asks before an irreversible action.
#pragma once

#include <string>

namespace pellicle::ctl {

// True when a person types 'yes'. When stdin is no terminal, prints on stderr that `command` needs
// --force and returns false. The question goes to stderr, because stdout is for results.
bool confirmed(const std::string& command, const std::string& question);

}  // namespace pellicle::ctl
