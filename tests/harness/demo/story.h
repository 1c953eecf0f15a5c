// The demo's output: steps with the elapsed time, excerpts, checks.
#pragma once

#include <chrono>
#include <string>

namespace pellicle::demo {

class Story {
 public:
  explicit Story(bool colour) : colour_(colour) {}

  void chapter(const std::string& title);
  void say(const std::string& sentence);                             // one paragraph
  void show(const std::string& command, const std::string& output);  // as in a terminal
  void doing(const std::string& what);              // printed before long work starts
  bool check(bool holds, const std::string& what);  // counted; false is a failure
  bool verdict();                                   // PASS or FAIL; true for PASS

 private:
  std::string paint(const char* code, const std::string& text) const;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool colour_;
  int checks_ = 0;
  int failures_ = 0;
};

}  // namespace pellicle::demo
