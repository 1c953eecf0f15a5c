// An agent that answers what a test tells it to.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pellicle {

// Listens on `path`; the n-th connection is answered with the n-th of `answers`, byte for byte, and
// closed (an empty one: closed without a word). When all are used up nobody listens any more.
class FakeAgent {
 public:
  FakeAgent(std::string path, std::vector<std::string> answers);
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  std::vector<std::string> requests() const;  // each without its newline

 private:
  void serve();
  void record(std::string request);

  std::string path_;
  std::vector<std::string> answers_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// A socket on `path` that listens with room for `backlog` connections more than one, and never
// accepts. Returns its descriptor; the test closes it.
int listening_socket(const std::string& path, int backlog);

// A connected one, or -1 when that would have to wait.
int connected_socket(const std::string& path);

}  // namespace pellicle
