// What a setting's value must look like. CLI11 expects an error sentence from a validator; empty
// means that the value is good.
#pragma once

#include <string>

namespace pellicle::config_values {

std::string absolute_path(const std::string& value);
std::string empty_or_absolute_path(const std::string& value);
std::string ipv4_cidr(const std::string& value);
std::string ipv6_cidr(const std::string& value);
std::string any_cidr(const std::string& value);
std::string device_name(const std::string& value);
// 0, or at least IPv6's minimum MTU, which pods must be able to send.
std::string pod_mtu(const std::string& value);
std::string not_empty(const std::string& value);

}  // namespace pellicle::config_values
