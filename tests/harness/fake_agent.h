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
  // One that takes no descriptors reads as one that has never heard of them.
  enum class Takes { bytes, descriptors };
  FakeAgent(std::string path, std::vector<std::string> answers, Takes takes = Takes::bytes);
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  std::vector<std::string> requests() const;  // each without its newline
  // What the descriptor was that came with each of them, "net:[4026531840]"; empty: none came.
  std::vector<std::string> passed() const;

 private:
  void serve();
  void record(std::string request, std::string passed);

  std::string path_;
  std::vector<std::string> answers_;
  Takes takes_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::string> passed_;
  std::thread thread_;
};

// A socket on `path` that listens with room for `backlog` + 1 connections and never accepts.
// Returns its descriptor; the test closes it.
int listening_socket(const std::string& path, int backlog);

// A connected socket, or -1 if connecting would block.
int connected_socket(const std::string& path);

}  // namespace pellicle
