#include "agent/reconcile/plan.h"

namespace pellicle {

namespace {

const char* verb(Action action) {
  switch (action) {
    case Action::add:
      return "add ";
    case Action::replace:
      return "replace ";
    case Action::remove:
      return "remove ";
  }
  return "";
}

}  // namespace

Action action(const Operation& operation) {
  return std::visit([](const auto& change) { return change.action; }, operation);
}

std::string describe(const Operation& operation) {
  return std::visit(
      [](const auto& change) { return verb(change.action) + describe(change.key, change.value); },
      operation);
}

}  // namespace pellicle
