// Puts the next key into the Secret kube-system/cilium-ipsec-keys. Nobody else's change is ever
// overwritten: the API server is told which version of the Secret was read, and when that is no
// longer the newest (409) everything is looked at again.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/key_rotation.h"

namespace pellicle {

std::string key_secret_path();

// metadata.resourceVersion of an object in JSON; empty: it has none.
std::string resource_version(const std::string& object);

struct KeyWritten {
  enum class How : uint8_t { written, needless, refused, failed };
  How how = How::failed;
  NextKey next;          // written: this
  std::string sentence;  // otherwise: why, or what failed; never a key byte
};

class KeyWriter {
 public:
  struct Callbacks {
    std::function<std::map<std::string, Node>()> nodes;  // as they are known now
    std::function<void(const std::string& sentence)> on_note;
    std::function<void(KeyWritten)> on_done;  // once, and last; may destroy the writer
  };
  // The client must outlive it. `random` is for tests.
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
  std::string doubt_;  // a write whose answer was lost: what is to be found out
  int conflicts_ = 0;
};

}  // namespace pellicle
