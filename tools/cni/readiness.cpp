#include "tools/cni/readiness.h"

#include <time.h>

#include <exception>
#include <fstream>

#include "agent/files/replace_file.h"

namespace pellicle::cni {

namespace {

std::string stamp_of(const std::string& socket) {
  return socket.substr(0, socket.rfind('/')) + "/ready";
}

// Goes on while the machine sleeps, and does not jump with its wall clock.
std::chrono::seconds uptime() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec);
}

}  // namespace

void note_ready(const std::string& socket) noexcept {
  try {
    replace_file(stamp_of(socket), std::to_string(uptime().count()) + "\n");
  } catch (const std::exception&) {
    // The answer stands all the same; the next one is noted.
  }
}

bool was_ready_within(const std::string& socket, std::chrono::seconds grace) {
  std::chrono::seconds::rep noted = -1;
  if (!(std::ifstream(stamp_of(socket)) >> noted)) return false;
  const auto age = uptime() - std::chrono::seconds(noted);
  return noted >= 0 && age >= std::chrono::seconds(0) && age < grace;
}

}  // namespace pellicle::cni
