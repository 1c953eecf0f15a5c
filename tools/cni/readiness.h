// When the agent last said that pods can be added. A runtime that asks STATUS does so every few
// seconds, and a node whose STATUS fails is NotReady at once: an agent that is being replaced is
// not worth that.
#pragma once

#include <chrono>
#include <string>

namespace pellicle::cni {

// Writes the time to the file "ready" beside the agent's socket; without a word where it cannot.
void note_ready(const std::string& socket) noexcept;

// It was noted, since this machine started, and less than `grace` ago.
bool was_ready_within(const std::string& socket, std::chrono::seconds grace);

}  // namespace pellicle::cni
