// The agents of many nodes in one process, each as the daemon is, but on a kernel in memory,
// without pods and health probes.
#pragma once

#include <string>

namespace pellicle::bench {

// Runs the agents of the nodes 1 to `count` until its input ends. Lines on it: "stop N" ends the
// agent of node N, "start N" starts it again on the same kernel, "flush N" removes its ESP states.
int run_agents(const std::string& kubeconfig, size_t count);

}  // namespace pellicle::bench
