// The listening socket and its accepting thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace pellicle::api {

class Listener {
 public:
  // Listens on an IPv4 or IPv6 address; port 0 for any. `accepted` gets each connection's
  // descriptor, on the listener's thread, and owns it. Throws std::system_error.
  Listener(const std::string& address, uint16_t port, std::function<void(int)> accepted);
  ~Listener();

  uint16_t port() const;

 private:
  void accept_all();

  std::function<void(int)> accepted_;
  int socket_ = -1;
  int stop_ = -1;  // an eventfd
  std::thread thread_;
};

}  // namespace pellicle::api
