// Puts the next key into the Secret kube-system/cilium-ipsec-keys, and never overwrites a
// concurrent change: each write names the resourceVersion that was read. On a conflict (409) the
// writer reads and decides again.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/key_rotation.h"

namespace pellicle {

std::string key_secret_path();

// metadata.resourceVersion of an object in JSON; empty if it has none.
std::string resource_version(const std::string& object);

struct KeyWritten {
  enum class How : uint8_t { written, needless, refused, failed };
  How how = How::failed;
  NextKey next;          // when written
  std::string sentence;  // otherwise: the reason or the failure; never contains key bytes
};

class KeyWriter {
 public:
  struct Callbacks {
    std::function<std::map<std::string, Node>()> nodes;  // the Nodes as currently known
    std::function<void(const std::string& sentence)> on_note;
    std::function<void(KeyWritten)> on_done;  // once, as the last callback; may destroy the writer
  };
  // `client` must outlive the writer. `random` is for tests.
  KeyWriter(ApiClient& client, RotationWishes wishes, Callbacks callbacks,
            RandomKey random = random_key);
  ~KeyWriter();
  KeyWriter(const KeyWriter&) = delete;
  KeyWriter& operator=(const KeyWriter&) = delete;

  void start();

 private:
  void read();
  void was_read(const Response& response);
  void consider(const std::optional<ApiObject>& secret, const std::string& version);
  void write(const std::string& version);
  void was_written(const Response& response);
  void doubtful(const std::string& trouble);
  void done(KeyWritten::How how, const std::string& sentence = "");

  ApiClient& client_;
  RotationWishes wishes_;
  Callbacks callbacks_;
  RandomKey random_;
  Call call_;
  NextKey next_;
  std::string doubt_;  // why a write's outcome is unknown; reading the Secret decides
  int conflicts_ = 0;
};

}  // namespace pellicle
