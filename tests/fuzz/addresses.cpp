// Texts of IP addresses, networks and MAC addresses, from any source.
#include "agent/model/ip.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

template <class Value>
void check(const std::string& text) {
  const auto value = Value::parse(text);
  if (!value) return;
  expect(text.find_first_not_of("0123456789abcdefABCDEF.:/") == std::string::npos,
         "an address is made of what addresses are made of");
  expect(Value::parse(value->to_string()) == value, "an address is its own text again");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  check<IpAddress>(text);
  check<Cidr>(text);
  check<Mac>(text);
  return 0;
}
