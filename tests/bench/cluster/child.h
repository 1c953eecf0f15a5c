// A program that this one starts, talks to on its standard input, and whose processor time it
// reads.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pellicle::bench {

double cpu_seconds_of(pid_t process);  // user and system

class Child {
 public:
  // `words`: the program and its arguments. Its output goes to this program's standard error.
  explicit Child(std::vector<std::string> words);
  ~Child();  // closes its input, and ends it with SIGTERM
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void say(const std::string& line) const;
  double cpu_seconds() const { return cpu_seconds_of(process_); }

 private:
  pid_t process_ = 0;
  int input_ = -1;
};

}  // namespace pellicle::bench
