// A request as the API interprets it: user, verb and object. Pure.
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
  std::string query;  // as sent
  std::map<std::string, std::string> parameters;

  // get, list, watch, create, update, patch, delete, deletecollection; for a path without objects
  // the method in lower case.
  std::string verb;
  const Resource* resource = nullptr;  // null: the path names no served kind
  ObjectKey key;                       // the parts that the path names
  std::string subresource;             // "status"
  std::string user;                    // empty before authentication
  bool metadata_only = false;          // the answer is PartialObjectMetadata

  // "nodes" or "nodes/status"; the resource of a permission.
  std::string target_resource() const;
  Attempt attempt() const;

  std::string parameter(const std::string& name) const;           // empty: absent
  bool flag(const std::string& name) const;                       // 1 or true
  std::optional<uint64_t> number(const std::string& name) const;  // throws Refusal: not a number
  bool can_gunzip() const;
};

Call read_call(Request request);

}  // namespace pellicle::api
