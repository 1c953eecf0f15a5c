// Shared by the tests of a pod's wiring: the seed's pod with one family or both, and its traffic.
#pragma once

#include <functional>
#include <string>

#include "agent/kernel/pod.h"
#include "tests/contract/pods_site.h"

namespace pellicle::contract {

// The seed's node "worker" and its pod "net".
PodSpec seed_pod(const std::string& netns);
PodSpec ipv6_pod(const std::string& netns);        // fd00:10::52, gateway fd00:10::138
PodSpec dual_stack_pod(const std::string& netns);  // both

std::string without(const std::string& text, const std::string& pattern, const std::string& put);

// The message of the OsError that `work` throws.
std::string sentence_of(const std::function<void()>& work);

// The kernel takes up to a second (linkwatch) to report a device with a carrier as UP; packets pass
// before that.
void wait_until_up(const NamedNamespace& pod, const Endpoint& endpoint);

// Out of `count` pings from the pod.
int packets_answered(const NamedNamespace& pod, const std::string& address, int count);

// Makes the node answer for the pod's gateways and reach the pod, as the datapath does: the eBPF
// programs address the pod by its MAC, without neighbour discovery.
void answer_as_gateway(const PodSpec& spec, const Endpoint& endpoint);

}  // namespace pellicle::contract
