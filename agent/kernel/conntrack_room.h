// Whether the conntrack table has room for another connection.
#pragma once

#include <optional>
#include <string>

#include "agent/model/node.h"

namespace pellicle {

// A problem when the conntrack table of the calling thread's network namespace is almost full. With
// a full table the kernel drops packets that start a connection (nf_conntrack_alloc: "table full,
// dropping packet"); it tracks decrypted packets like all others. nullopt when the kernel tracks no
// connections. `proc` is the folder with the kernel's figures; tests use another.
std::optional<Problem> conntrack_problem(const std::string& proc = "/proc/sys/net/netfilter");

}  // namespace pellicle
