// fieldSelector and labelSelector of LIST and WATCH. Pure.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/api/resource.h"

namespace pellicle::api {

// A Selector's requirement on one field or label.
struct Requirement {
  enum class Operator : uint8_t { equals, differs, exists, absent };
  bool label = false;  // else a field
  std::string name;    // "metadata.name", or the label
  Operator op = Operator::equals;
  std::string value;
};

class Selector {
 public:
  // Both in the API's syntax, empty for everything: `metadata.name=worker`, `role!=db,zone`. Throws
  // Refusal (400) for a field that cannot be selected, and for set-based label requirements, which
  // this fixture does not implement.
  Selector(const Resource& resource, const std::string& fields, const std::string& labels);

  bool everything() const { return requirements_.empty(); }
  bool matches(const Json& object) const;

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace pellicle::api
