#include "agent/kernel/refusal_sentence.h"

#include <cerrno>

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

TEST_CASE("a state refused for want of a module says which algorithm and module") {
  const auto [key, value] = *compute(seed::worker()).state.states.begin();
  const Operation add = Change<State>{Action::add, key, value};
  CHECK(refusal_sentence(add, EPROTONOSUPPORT, "Requested type not found") ==
        "the kernel cannot do ESP over IPv4: the module esp4 or xfrm_user is missing; on the host "
        "run `modprobe -a esp4 xfrm_user`, or boot a kernel with CONFIG_INET_ESP (Requested type "
        "not found)");
  CHECK(refusal_sentence(add, ENOSYS, "x") ==
        "the kernel cannot do rfc4106(gcm(aes)) 128: a module of gcm seqiv is missing; on the host "
        "run `modprobe -a gcm seqiv`, or boot a kernel with CONFIG_CRYPTO_GCM (x)");
  CHECK_THAT(refusal_sentence(add, EPERM, "Operation not permitted"), Contains("CAP_NET_ADMIN"));
  CHECK(refusal_sentence(add, EPERM, "no (this needs CAP_BPF)") == "no (this needs CAP_BPF)");
}

TEST_CASE("a full map says which it is, and how much it holds") {
  const Operation pod = Change<EndpointEntry>{Action::add, {}, {}};
  const Operation source = Change<PodSource>{Action::add, {}, {}};
  CHECK_THAT(refusal_sentence(source, ENOSPC, "No space left on device"),
             Contains("what pods may send from is full, it holds 16384"));
  CHECK_THAT(refusal_sentence(pod, E2BIG, "Argument list too long"),
             Contains("the eBPF map of pods is full, it holds 4096"));
  const auto network = Cidr::parse("10.9.0.0/24").value();
  const Operation peer = Change<PeerEntry>{Action::add, {network}, {}};
  CHECK(
      refusal_sentence(peer, ENOSPC, "No space left on device") ==
      "No space left on device: the eBPF map of peers is full, it holds 16384 networks of a "
      "family; until it is there, what pods send to that network is encrypted by the policy alone "
      "(pair keys), or dropped and counted as no_key (one key for all nodes)");
  CHECK_THAT(refusal_sentence(peer, ENOMEM, "Cannot allocate memory"),
             Contains("what pods send to that network is encrypted"));
  CHECK(refusal_sentence(peer, EINVAL, "no") == "no");
  const Operation other_key = Change<PeerEntry>{Action::replace, {network}, {}};
  CHECK(refusal_sentence(other_key, ENOMEM, "no") == "no");  // the previous entry stays
  CHECK(refusal_sentence(Change<Rule>{Action::add, {}, {}}, ENOSPC, "no") == "no");
}

TEST_CASE("a taken place says that it is taken by others, and other words stay the kernel's") {
  const Operation add = Change<Rule>{Action::add, {}, {}};
  CHECK_THAT(refusal_sentence(add, EEXIST, "File exists"), Contains("not ours"));
  CHECK(refusal_sentence(add, EINVAL, "Invalid rule") == "Invalid rule");
  const Operation sysctl = Change<Sysctl>{Action::add, {"a"}, {"1"}};
  CHECK_THAT(refusal_sentence(sysctl, EROFS, "Read-only file system"), Contains("/proc/sys"));
}

}  // namespace this_file
