#include "agent/desired/programmed_key.h"

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

void add_receiving(KernelState& state, uint32_t spi, uint8_t fill, const char* dst = "10.0.1.138") {
  state.states[{.dst = *IpAddress::parse(dst), .spi = spi, .mark = kDecryptMark}] =
      State{.algorithm = Aead{.name = "rfc4106(gcm(aes))",
                              .key = SecretBytes(std::vector<uint8_t>(20, fill)),
                              .icv_bits = 128}};
}

}  // namespace

TEST_CASE("programmed keys: the receiving states', with both ids of a rotation") {
  KernelState actual;
  CHECK(programmed_keys(actual).known.empty());
  add_receiving(actual, 3, 7);
  const auto keys = programmed_keys(actual);
  REQUIRE(keys.known.size() == 1);
  CHECK(keys.ids_only.empty());
  CHECK(keys.known[0].id == 3);
  CHECK(std::get<Aead>(keys.known[0].algorithm).key == SecretBytes(std::vector<uint8_t>(20, 7)));
  add_receiving(actual, 4, 8);
  CHECK(programmed_keys(actual).known.size() == 2);
}

TEST_CASE("programmed keys: the id alone of pairs' keys and of what the kernel withholds") {
  KernelState actual;
  add_receiving(actual, 3, 0);
  add_receiving(actual, 0x10a018a4, 8);
  actual
      .states[{.dst = *IpAddress::parse("10.0.0.40"), .spi = 0x10a018a5, .mark = encrypt_mark(5)}];
  const auto keys = programmed_keys(actual);
  CHECK(keys.known.empty());
  CHECK(keys.ids_only == std::set<uint8_t>{3, 4, 5});
}

TEST_CASE("programmed keys: one key for all nodes contradicts an id that pairs' keys have") {
  KernelState actual;
  add_receiving(actual, 3, 0);  // withheld by the kernel; one key for all
  add_receiving(actual, 0x10a018a4, 8);
  Inputs inputs;
  inputs.programmed.states = actual.states;
  for (const auto& [id, contradicts] : {std::pair{3, false}, {4, true}, {5, false}}) {
    CAPTURE(id);
    inputs.key = IpsecKey{.id = static_cast<uint8_t>(id),
                          .algorithm = Aead{.name = "rfc4106(gcm(aes))",
                                            .key = SecretBytes(std::vector<uint8_t>(20, 7)),
                                            .icv_bits = 128}};
    CHECK(contradicts_programmed(inputs) == contradicts);
  }
}

}  // namespace this_file
