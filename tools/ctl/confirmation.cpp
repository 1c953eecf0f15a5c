#include "tools/ctl/confirmation.h"

#include <unistd.h>

#include <iostream>

namespace pellicle::ctl {

bool confirmed(const std::string& command, const std::string& question) {
  if (isatty(STDIN_FILENO) != 1) {
    std::cerr << "pellicle: " << command << " needs --force when nobody can be asked\n";
    return false;
  }
  std::cerr << question << " Type 'yes' to go on: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

}  // namespace pellicle::ctl
