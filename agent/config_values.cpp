#include "agent/config_values.h"

#include <CLI/CLI.hpp>

#include "agent/model/ip.h"

namespace pellicle::config_values {

std::string absolute_path(const std::string& value) {
  return value.starts_with('/') ? "" : "expected an absolute path, found '" + value + "'";
}

std::string empty_or_absolute_path(const std::string& value) {
  return value.empty() ? "" : absolute_path(value);
}

std::string ipv4_cidr(const std::string& value) {
  const auto cidr = Cidr::parse(value);
  return cidr && cidr->family() == Family::v4
             ? ""
             : "expected an IPv4 network such as 10.0.0.0/8, found '" + value + "'";
}

std::string ipv6_cidr(const std::string& value) {
  const auto cidr = Cidr::parse(value);
  return cidr && cidr->family() == Family::v6
             ? ""
             : "expected an IPv6 network such as fd00::/48, found '" + value + "'";
}

std::string any_cidr(const std::string& value) {
  return Cidr::parse(value)
             ? ""
             : "expected a network such as 10.0.0.0/8 or fd00::/48, found '" + value + "'";
}

std::string device_name(const std::string& value) {
  const bool good =
      !value.empty() && value.size() < 16 && value.find_first_of("/ \t") == value.npos;
  return good ? "" : "expected a device name of at most 15 characters, found '" + value + "'";
}

std::string pod_mtu(const std::string& value) {
  const bool good = value == "0" || CLI::Range(1280, 65535)(value).empty();
  return good ? "" : "expected 0, or 1280 to 65535, found '" + value + "'";
}

std::string not_empty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

}  // namespace pellicle::config_values
