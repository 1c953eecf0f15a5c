#include "tests/harness/demo/story.h"

#include <cstdio>
#include <iostream>
#include <sstream>

namespace pellicle::demo {

std::string Story::paint(const char* code, const std::string& text) const {
  return colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
}

void Story::chapter(const std::string& title) {
  std::cout << "\n" << paint("1", "== " + title) << "\n" << std::flush;
}

void Story::say(const std::string& sentence) {
  std::cout << sentence << "\n" << std::flush;
}

void Story::show(const std::string& command, const std::string& output) {
  std::cout << paint("36", "$ " + command) << "\n";
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) std::cout << "  " << line << "\n";
  std::cout << std::flush;
}

void Story::doing(const std::string& what) {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  char time[32];
  std::snprintf(time, sizeof time, "[%5.1fs] ", passed.count());
  std::cout << time << what << "\n" << std::flush;
}

bool Story::check(bool holds, const std::string& what) {
  ++checks_;
  if (!holds) ++failures_;
  std::cout << (holds ? paint("32", "  ok    ") : paint("31", "  FAIL  ")) << what << "\n"
            << std::flush;
  return holds;
}

bool Story::verdict() {
  const bool pass = failures_ == 0;
  std::cout << "\n"
            << (pass ? paint("1;32", "PASS") : paint("1;31", "FAIL")) << "  " << checks_ - failures_
            << " of " << checks_ << " checks\n"
            << std::flush;
  return pass;
}

}  // namespace pellicle::demo
