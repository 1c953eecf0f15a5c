// The peers of `pellicle status` as text.
#pragma once

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

// How many peers are encrypted to, then a line for each, the ones with a problem first; without
// `verbose` the first few. `status`: the agent's answer.
void peer_lines(Screen& screen, const nlohmann::ordered_json& status, bool verbose);

}  // namespace pellicle::ctl
