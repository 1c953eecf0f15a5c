// `pellicle key rotate` as a process runs it, against a Kubernetes API with three nodes.
#pragma once

#include "tools/ctl/key_rotate.h"

#include <atomic>
#include <sstream>
#include <thread>

#include "agent/kube/decode.h"
#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/encoding.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tools/ctl/exit.h"

namespace pellicle::ctl::rotated {

using namespace std::chrono_literals;

inline constexpr const char* kUser = "admin";
inline constexpr const char* kNodes[] = {"worker", "worker2", "control-plane"};

struct Said {
  int status = -1;
  std::string out;
  std::string complaints;
};

class Flushed : public std::stringbuf {
 public:
  explicit Flushed(std::atomic<bool>& flag) : flag_(flag) {}

 private:
  int sync() override {
    flag_ = true;
    return std::stringbuf::sync();
  }
  std::atomic<bool>& flag_;
};

// The seed's cluster; all agents have published the Secret's key.
class Cluster {
 public:
  Cluster() {
    api.allow_token("good", kUser);
    for (const auto& node : api::kSeedNodes) api.create(api::node_object(node));
    api.create(api::key_secret(api::kSeedKeyLine));
    for (const auto* node : kNodes) publish(node, 3);
  }

  void publish(const std::string& node, int id) {
    const auto value = id ? api::Json(std::to_string(id)) : api::Json();
    api.patch(api::node_key(node),
              {{"metadata", {{"annotations", {{"network.cilium.io/encryption-key", value}}}}}});
  }

  Said rotate(RotateOptions options = {}, std::chrono::seconds limit = 20s) {
    options.limit = limit;
    Flushed buffer(told);
    std::ostream out(&buffer);
    std::ostringstream complaints;
    const ApiAccess access{
        .scheme_host_port = api.url(), .ca = {.text = api.ca_pem()}, .token = "good"};
    Said said;
    said.status = rotate_key(access, options, out, complaints);
    said.out = buffer.str();
    said.complaints = complaints.str();
    return said;
  }

  // Meanwhile every agent takes the key that is written.
  Said rotate_with_agents(const RotateOptions& options = {}) {
    std::atomic<bool> over = false;
    std::thread agents([&] {
      while (!over) {
        const auto id = key_id();
        for (const auto* node : kNodes) {
          if (published(node) != id) publish(node, id);
        }
        std::this_thread::sleep_for(20ms);
      }
    });
    const auto said = rotate(options);
    over = true;
    agents.join();
    return said;
  }

  std::optional<std::string> line() const {
    const auto secret = api.get(api::secret_key("kube-system", "cilium-ipsec-keys"));
    if (!secret) return std::nullopt;
    return api::from_base64((*secret)["data"]["keys"].get<std::string>());
  }
  IpsecKey key() const { return decode_keys(line().value()).key.value(); }
  int key_id() const { return line() ? key().id : 0; }
  int published(const std::string& node) const {
    const auto object = api.get(api::node_key(node)).value();
    const auto& annotations = object["metadata"]["annotations"];
    return std::stoi(annotations.value("network.cilium.io/encryption-key", "0"));
  }

  ApiFixture api;
  std::atomic<bool> told =
      false;  // rotate() has printed something; its first output says that the key is written
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Whether the output contains a present or former key of the Secret.
inline bool tells_the_key(const Said& said, const std::string& line) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word.size() >= 32 && (has(said.out, word) || has(said.complaints, word))) return true;
  }
  return false;
}

}  // namespace pellicle::ctl::rotated
