#include "agent/preflight/ciphers.h"

#include "tests/harness/catch.h"
#include "tests/harness/module_host.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

// As 6.1 writes it, shortened.
constexpr const char* kCrypto = R"(name         : rfc4106(gcm(aes))
driver       : rfc4106-gcm-aesni
module       : aesni_intel
priority     : 400
refcnt       : 1
selftest     : passed
internal     : no
type         : aead

name         : rfc4106(gcm(aes))
driver       : rfc4106(gcm_base(ctr(aes-generic),ghash-generic))
module       : gcm
priority     : 100
internal     : no
type         : aead

name         : __rfc4106(gcm(aes))
driver       : cryptd(__generic-gcm-aesni)
module       : cryptd
priority     : 500
internal     : yes
type         : aead

name         : authenc(hmac(sha256),cbc(aes))
driver       : authenc(hmac(sha256-generic),cbc-aes-aesni)
module       : authenc
priority     : 4100
internal     : no
type         : aead
)";

struct UsualHost : ModuleHost {
  UsualHost() {
    for (const char* name : {"gcm", "seqiv", "authenc", "cbc", "hmac", "sha256_generic",
                             "sha512_generic", "sha1_generic", "md5"}) {
      loadable(std::string("kernel/crypto/") + name + ".ko");
    }
    loadable("kernel/arch/x86/crypto/aesni-intel.ko.zst");
  }
};

const Processor kGood{.machine = "x86_64", .aes = true};

}  // namespace

TEST_CASE("preflight: /proc/crypto is read, but for what is the crypto API's own") {
  const auto drivers = parse_crypto(kCrypto);
  REQUIRE(drivers.size() == 3);
  CHECK(drivers[0] == CryptoDriver{"rfc4106(gcm(aes))", "rfc4106-gcm-aesni", 400});
  CHECK(parse_crypto("").empty());
  CHECK(parse_crypto("nonsense\n\nname : \n").empty());
}

TEST_CASE("preflight: the driver of the greatest priority is named, and software is a warning") {
  const auto findings =
      judge_ciphers({.drivers = parse_crypto(kCrypto), .processor = kGood}, UsualHost().modules());
  REQUIRE(findings.size() == 5);
  CHECK(findings[0].found == "this processor has them");
  CHECK(findings[0].verdict == Verdict::ok);
  CHECK(findings[1].what == "rfc4106(gcm(aes))");
  CHECK(findings[1].found == "driver rfc4106-gcm-aesni");
  CHECK(findings[1].verdict == Verdict::ok);
  CHECK(findings[2].what == "hmac(sha256) cbc(aes)");
  CHECK(findings[2].found == "driver authenc(hmac(sha256-generic),cbc-aes-aesni), in software");
  CHECK(findings[2].verdict == Verdict::warn);
  CHECK_THAT(findings[2].remedy, Contains("several times the processor's time"));
  CHECK(findings[3].found == "there, not in use yet");
  CHECK(findings[3].verdict == Verdict::ok);
}

TEST_CASE("preflight: AES without the processor's instructions is a warning, whoever keeps them") {
  const auto without = judge_ciphers({.processor = {.machine = "x86_64"}}, UsualHost().modules());
  CHECK(without[0].verdict == Verdict::warn);
  CHECK(without[0].found == "this processor has none");
  UsualHost host;
  host.write("/etc/modprobe.d/a.conf", "blacklist aesni_intel\n");
  const auto forbidden = judge_ciphers({.processor = kGood}, host.modules());
  CHECK(forbidden[0].verdict == Verdict::warn);
  CHECK_THAT(forbidden[0].found, Contains("aesni_intel") && Contains("a.conf, line 1"));
  CHECK(judge_ciphers({.processor = {.machine = "riscv64", .aes = true}}, host.modules())[0]
            .verdict == Verdict::ok);
}

TEST_CASE("preflight: the usual cipher has to be there, others may be missing") {
  UsualHost host;
  host.remove("/lib/modules/6.1.0-57-amd64/kernel/crypto/gcm.ko");
  host.remove("/lib/modules/6.1.0-57-amd64/kernel/crypto/sha512_generic.ko");
  const auto findings = judge_ciphers({.processor = kGood}, host.modules());
  CHECK(findings[1].verdict == Verdict::fail);
  CHECK_THAT(findings[1].found, Contains("module gcm: missing"));
  CHECK(findings[1].remedy ==
        "on the host run `modprobe -a gcm seqiv`, or boot a kernel with CONFIG_CRYPTO_GCM");
  CHECK(findings[2].verdict == Verdict::ok);
  CHECK(findings[3].verdict == Verdict::warn);
  host.remove("/lib/modules");
  CHECK(judge_ciphers({.processor = kGood}, host.modules())[1].verdict == Verdict::unknown);
}

TEST_CASE("preflight: weak algorithms are looked at where the settings allow them") {
  const auto findings = judge_ciphers({.processor = kGood, .weak = true}, UsualHost().modules());
  REQUIRE(findings.size() == 7);
  CHECK(findings[6].what == "hmac(md5) cbc(aes)");
}

}  // namespace this_file
