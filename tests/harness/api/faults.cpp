#include "tests/harness/api/faults.h"

#include <algorithm>
#include <stdexcept>

namespace pellicle::api {
namespace {

bool meets(const Fault& fault, const Call& call) {
  return (fault.verb.empty() || fault.verb == call.verb) &&
         (fault.resource.empty() || fault.resource == call.key.resource ||
          fault.resource == call.target_resource());
}

}  // namespace

void Faults::add(Fault fault) {
  const bool ends_watch = fault.kind == FaultKind::end || fault.kind == FaultKind::expire;
  if (ends_watch && fault.verb != "watch")
    throw std::invalid_argument(
        "only a watch can be ended: a fault `end` or `expire` needs the verb");
  if (fault.kind == FaultKind::answer && (fault.status < 400 || fault.status > 599))
    throw std::invalid_argument("a fault answers with an error status");
  if (fault.times == 0 || fault.times < kUntilCleared)
    throw std::invalid_argument("a fault hits at least one request");
  faults_.push_back(std::move(fault));
}

void Faults::clear() {
  faults_.clear();
  ++clears_;
}

std::optional<Fault> Faults::take(const Call& call) {
  const auto found = std::find_if(faults_.begin(), faults_.end(),
                                  [&](const Fault& fault) { return meets(fault, call); });
  if (found == faults_.end()) return std::nullopt;
  const Fault fault = *found;
  if (found->times != kUntilCleared && --found->times == 0) faults_.erase(found);
  return fault;
}

}  // namespace pellicle::api
