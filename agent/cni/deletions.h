// Pods whose deletion was asked for while no agent answered: the CNI plugin leaves a file for each
// in the folder `deletions` beside the agent's socket, {"id": "<container id>:<interface>"}.
#pragma once

#include <string>
#include <vector>

namespace pellicle {

struct Deletion {
  std::string file;
  std::string id;  // empty: the file does not say
};

std::string deletions_folder(const std::string& socket);

// Those that are waiting, by file name. Half-written ones (*.new) are not among them.
std::vector<Deletion> pending_deletions(const std::string& socket);

}  // namespace pellicle
