// A request read as the API reads it: who wants to do what to which object. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/harness/api/message.h"
#include "tests/harness/api/refusal.h"

namespace pellicle::api {

struct Call {
  Request request;
  std::string path;   // decoded, without the query
  std::string query;  // as it was sent
  std::map<std::string, std::string> parameters;

  // get, list, watch, create, update, patch, delete, deletecollection; of a path without objects
  // the method in lower case.
  std::string verb;
  const Resource* resource = nullptr;  // null: the path names no kind that is served
  ObjectKey key;                       // what of it the path names
  std::string subresource;             // "status"
  std::string user;                    // empty until somebody proved to be one

  // "nodes" or "nodes/status"; what a permission is given for.
  std::string target_resource() const;
  Attempt attempt() const;

  std::string parameter(const std::string& name) const;           // empty: absent
  bool flag(const std::string& name) const;                       // 1 or true
  std::optional<uint64_t> number(const std::string& name) const;  // throws Refusal: not a number
};

Call read_call(Request request);

}  // namespace pellicle::api
