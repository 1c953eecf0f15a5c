// Whether the kernel has room to track one connection more.
#pragma once

#include <optional>
#include <string>

#include "agent/model/node.h"

namespace pellicle {

// A problem when the table of connections of the calling thread's network namespace is as good as
// full. What begins a connection is dropped then (nf_conntrack_alloc: "table full, dropping
// packet"), and what XFRM has decrypted is tracked like everything else. Nothing where the kernel
// tracks no connections. `proc`: where its figures are, and another folder in tests.
std::optional<Problem> conntrack_problem(const std::string& proc = "/proc/sys/net/netfilter");

}  // namespace pellicle
