// The API's MicroTime, as in Leases: "2026-11-23T08:04:08.123456Z".
#pragma once

#include <string>

namespace pellicle {

std::string micro_time_now();

}  // namespace pellicle
