#include "agent/kernel_support.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;

namespace {

struct Kernel {
  std::vector<std::string> asked;
  std::set<Family> without;

  KernelSupport support() {
    return KernelSupport([this](const Algorithm& algorithm, Family family) {
      asked.push_back(std::string(family_name(family)) + " " + algorithm_name(algorithm));
      return without.contains(family) ? std::optional<std::string>("no ESP over this family")
                                      : std::nullopt;
    });
  }
};

IpsecKey key(Algorithm algorithm) {
  return {.id = 3, .algorithm = std::move(algorithm)};
}

}  // namespace

TEST_CASE("kernel support: what is there is tried once, another algorithm anew") {
  Kernel kernel;
  auto support = kernel.support();
  support.look(std::nullopt, {Family::v4, Family::v6});
  support.look(key(seed::gcm()), {Family::v4, Family::v6});
  support.look(key(seed::gcm(40)), {Family::v4});
  CHECK(kernel.asked ==
        std::vector<std::string>{"IPv4 rfc4106(gcm(aes)) 128", "IPv6 rfc4106(gcm(aes)) 128"});
  CHECK(support.problems().empty());
  const AuthEnc cbc{"hmac(sha256)", SecretBytes(std::vector<uint8_t>(32, 7)), "cbc(aes)",
                    SecretBytes(std::vector<uint8_t>(16, 9)), 0};
  support.look(key(cbc), {Family::v4});
  CHECK(kernel.asked.back() == "IPv4 hmac(sha256) cbc(aes)");
  CHECK(kernel.asked.size() == 3);
}

TEST_CASE("kernel support: what is missing is said until it is there, for families in use") {
  Kernel kernel{.asked = {}, .without = {Family::v6}};
  auto support = kernel.support();
  support.look(key(seed::gcm()), {Family::v4});
  CHECK(support.problems().empty());
  support.look(key(seed::gcm()), {Family::v4, Family::v6});
  REQUIRE(support.problems().size() == 1);
  CHECK(support.problems()[0].to_string() == "Kernel: no ESP over this family");
  kernel.without.clear();
  support.look(key(seed::gcm()), {Family::v4, Family::v6});
  CHECK(support.problems().empty());
  CHECK(kernel.asked.size() == 3);
}

}  // namespace this_file
