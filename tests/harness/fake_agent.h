// An agent with scripted answers.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pellicle {

// Listens on `path`. The n-th connection gets the n-th of `answers`, byte for byte, and is closed
// (an empty answer: closed without data). After the last answer nothing listens on `path`.
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

// A socket on `path` that listens with room for `backlog` + 1 connections and never accepts.
// Returns its descriptor; the test closes it.
int listening_socket(const std::string& path, int backlog);

// A connected socket, or -1 if connecting would block.
int connected_socket(const std::string& path);

}  // namespace pellicle
