// A router that advertises.
#pragma once

#include <string>

namespace pellicle::contract {

// A default route and the prefix fd77::/64, from which hosts are to make an address: to all on the
// device's link, from the network namespace of the calling thread.
void advertise(int index);

// A command. A link-local address is the only one that may advertise; it takes a second or two to
// be of use.
std::string until_link_local(const std::string& device);

}  // namespace pellicle::contract
