// A pod's deletion that nobody was there to carry out: one file a pod in the folder `deletions`
// beside the agent's socket, {"id": "<container id>:<interface>"}. The agent completes it when it
// is back: it listens first and reads the folder second, so a plugin that leaves a file and then
// still finds nobody listening knows that the file will be read.
#pragma once

#include <string>

namespace pellicle::cni {

std::string deletion_file(const std::string& socket, const std::string& id);

// Makes the folder too, mode 0700, and whatever is missing above it. std::system_error.
void queue_deletion(const std::string& socket, const std::string& id);

bool is_deletion_queued(const std::string& socket, const std::string& id);

// Fine when it is not there.
void forget_deletion(const std::string& socket, const std::string& id);

}  // namespace pellicle::cni
