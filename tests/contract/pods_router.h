// A router that sends advertisements.
#pragma once

#include <string>

namespace pellicle::contract {

// Sends an advertisement (a default route, and the autoconfiguration prefix fd77::/64) to all hosts
// on the link of the device with this index, from the calling thread's network namespace.
void advertise(int index);

// A shell command that waits for a usable link-local address: advertisements must come from one,
// and it takes a second or two to become usable.
std::string until_link_local(const std::string& device);

}  // namespace pellicle::contract
