// Every algorithm that the Secret may name, through the kernel, and the handling of algorithms that
// it must not name.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kNodes[] = {"worker", "worker2", "control-plane"};

// Test key material, different for every key.
std::string hex(size_t bytes, unsigned first) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(first + 3 * i) & 0xff);
    text += digits;
  }
  return text;
}

struct Row {
  const char* auth;  // null: AES-GCM
  size_t auth_bytes;
  size_t cipher_bytes;
  unsigned icv_bits;  // of AES-GCM
};

// Ordered by key length: agents refuse a shorter key after a longer one.
constexpr Row kRows[] = {
    {nullptr, 0, 16, 96},        {nullptr, 0, 16, 128},       {"hmac(sha256)", 32, 16, 0},
    {nullptr, 0, 24, 128},       {nullptr, 0, 32, 96},        {nullptr, 0, 32, 128},
    {"hmac(sha256)", 32, 32, 0}, {"hmac(sha384)", 48, 32, 0}, {"hmac(sha512)", 64, 32, 0},
};

constexpr Row kMd5{"hmac(md5)", 16, 16, 0};
constexpr Row kSha1{"hmac(sha1)", 20, 16, 0};

std::string line(int id, const Row& row) {
  const auto seed = static_cast<unsigned>(17 * id);
  if (row.auth) {
    return std::to_string(id) + " " + row.auth + " " + hex(row.auth_bytes, seed) + " cbc(aes) " +
           hex(row.cipher_bytes, seed + 1);
  }
  return std::to_string(id) + " rfc4106(gcm(aes)) " + hex(row.cipher_bytes + 4, seed) + " " +
         std::to_string(row.icv_bits);
}

// The number of packets that the node has sent to worker2 with this key id.
uint64_t sent_with(const NodeAgent& agent, int id) {
  const auto encryption = agent.ask("encrypt");
  for (const auto& state : encryption["states"]) {
    if (state["direction"] == "out" && state["dst"] == "10.0.0.40" && state["keyId"] == id) {
      return state["packets"].get<uint64_t>();
    }
  }
  return 0;
}

bool all_have_key(Lab& lab, int id) {
  return wait_until([&] {
    for (const auto* node : kNodes) {
      if (lab.agent(node).ask("status")["encryption"]["key"] != id) return false;
    }
    return true;
  });
}

}  // namespace

TEST_CASE("every strong algorithm encrypts between nodes, one after the other by rotation") {
  Lab lab({.key_line = line(1, kRows[0])});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  int id = 1;
  for (const auto& row : kRows) {
    CAPTURE(id, row.auth ? row.auth : "gcm", row.cipher_bytes, row.icv_bits);
    if (id > 1) lab.set_key(line(id, row));
    CHECK(all_have_key(lab, id));
    const bool encrypted = wait_until([&] {
      const auto before = sent_with(lab.agent("worker"), id);
      return lab.ping("net", "10.0.0.249").ok() && sent_with(lab.agent("worker"), id) > before;
    });
    CHECK(encrypted);
    ++id;
  }
  const auto says = lab.agent("worker").ctl("status");
  CAPTURE(says.output);
  CHECK(says.ok());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("weak algorithms are refused, and nothing leaves in the clear") {
  Lab lab({.key_line = line(1, kSha1)});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.agent("worker").says().find("this algorithm is too weak") != std::string::npos);
  CHECK(lab.cleartext().empty());
}

TEST_CASE("weak algorithms are used where the setting allows them, and named") {
  Lab lab({.key_line = line(1, kMd5), .agent_config = "allow-weak-algorithms = true\n"});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  CHECK(lab.ping("net", "10.0.0.249").ok());
  lab.set_key(line(2, kSha1));
  CHECK(all_have_key(lab, 2));
  CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }));
  CHECK(lab.agent("worker").says().find("authentication algorithm is weak") != std::string::npos);
  CHECK(lab.cleartext().empty());
}

TEST_CASE("an algorithm that the kernel lacks is named before a packet needs it") {
  must(
      "rmmod seqiv gcm && for m in seqiv gcm; do mv $(readlink -f /lib/modules/$(uname -r))"
      "/kernel/crypto/$m.ko /run/; done");
  Lab lab;
  lab.api().remove(api::secret_key("kube-system", "cilium-ipsec-keys"));
  lab.agent("worker").start();
  const auto& agent = lab.agent("worker");
  const auto says = [&](const std::string& words) {
    return wait_until([&] { return agent.says().find(words) != std::string::npos; });
  };
  CHECK(says("Kernel since"));
  CAPTURE(agent.says());
  CHECK(
      says("the kernel cannot do rfc4106(gcm(aes)) 128: a module of gcm seqiv is missing; on the "
           "host run `modprobe -a gcm seqiv`"));
  CHECK(lab.agent("worker").running());
  must(
      "for m in seqiv gcm; do mv /run/$m.ko $(readlink -f /lib/modules/$(uname -r))"
      "/kernel/crypto/; done");
  CHECK(wait_until([&] { return agent.says().find("Kernel since") == std::string::npos; }, 60s));
}

}  // namespace this_file
