#include "tests/harness/api/shared.h"

#include "tests/harness/api/wire.h"

namespace pellicle::api {

void Shared::wake_all() {
  for (Wire* wire : wires) wire->notify();
}

}  // namespace pellicle::api
