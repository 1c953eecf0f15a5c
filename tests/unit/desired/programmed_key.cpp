#include "agent/desired/programmed_key.h"

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"

using namespace pellicle;

namespace {

void add_receiving(KernelState& state, uint32_t spi, uint8_t fill, const char* dst = "10.0.1.138") {
  state.states[{.dst = *IpAddress::parse(dst), .spi = spi, .mark = kDecryptMark}] =
      State{.algorithm = Aead{.name = "rfc4106(gcm(aes))",
                              .key = SecretBytes(std::vector<uint8_t>(20, fill)),
                              .icv_bits = 128}};
}

}  // namespace

TEST_CASE("programmed key: the receiving state's") {
  KernelState actual;
  CHECK_FALSE(programmed_key(actual));
  add_receiving(actual, 3, 7);
  const auto key = programmed_key(actual);
  REQUIRE(key);
  CHECK(key->id == 3);
  CHECK(std::get<Aead>(key->algorithm).key == SecretBytes(std::vector<uint8_t>(20, 7)));
}

TEST_CASE("programmed key: none when two ids are in use, or the kernel withholds the bytes") {
  KernelState two;
  add_receiving(two, 3, 7);
  add_receiving(two, 4, 8);
  CHECK_FALSE(programmed_key(two));
  KernelState withheld;
  add_receiving(withheld, 3, 0);
  CHECK_FALSE(programmed_key(withheld));
}
