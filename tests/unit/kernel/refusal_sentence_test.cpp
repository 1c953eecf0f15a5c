#include "agent/kernel/refusal_sentence.h"

#include <cerrno>

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

using namespace pellicle;
using Catch::Matchers::Contains;

TEST_CASE("a state refused for want of a module says which algorithm and module") {
  const auto [key, value] = *compute(seed::worker()).state.states.begin();
  const Operation add = Change<State>{Action::add, key, value};
  CHECK(refusal_sentence(add, EPROTONOSUPPORT, "Requested type not found") ==
        "the kernel cannot do rfc4106(gcm(aes)): is the module esp4 (and gcm, seqiv) available? "
        "(Requested type not found)");
  CHECK_THAT(refusal_sentence(add, ENOSYS, "x"), Contains("rfc4106(gcm(aes))"));
  CHECK_THAT(refusal_sentence(add, EPERM, "Operation not permitted"), Contains("CAP_NET_ADMIN"));
  CHECK(refusal_sentence(add, EPERM, "no (this needs CAP_BPF)") == "no (this needs CAP_BPF)");
}

TEST_CASE("a taken place says that it is taken by others, and other words stay the kernel's") {
  const Operation add = Change<Rule>{Action::add, {}, {}};
  CHECK_THAT(refusal_sentence(add, EEXIST, "File exists"), Contains("not ours"));
  CHECK(refusal_sentence(add, EINVAL, "Invalid rule") == "Invalid rule");
  const Operation sysctl = Change<Sysctl>{Action::add, {"a"}, {"1"}};
  CHECK_THAT(refusal_sentence(sysctl, EROFS, "Read-only file system"), Contains("/proc/sys"));
}
