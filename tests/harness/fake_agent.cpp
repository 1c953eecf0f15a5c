#include "tests/harness/fake_agent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>

namespace pellicle {

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  return address;
}

// Up to the newline, or less if the client disconnects.
std::string line_from(int fd) {
  std::string line;
  for (char c = 0; ::recv(fd, &c, 1, 0) == 1 && c != '\n';) line += c;
  return line;
}

// Until the other side stops reading.
void send_all(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t size = ::send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (size <= 0) return;
    done += static_cast<size_t>(size);
  }
}

}  // namespace

int listening_socket(const std::string& path, int backlog) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(path);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, backlog) != 0) {
    throw std::runtime_error("listen on " + path);
  }
  return fd;
}

int connected_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto address = address_of(path);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

FakeAgent::FakeAgent(std::string path, std::vector<std::string> answers)
    : path_(std::move(path)),
      answers_(std::move(answers)),
      listener_(listening_socket(path_, 16)),
      thread_([this] { serve(); }) {}

FakeAgent::~FakeAgent() {
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

std::vector<std::string> FakeAgent::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void FakeAgent::record(std::string request) {
  const std::scoped_lock lock(mutex_);
  requests_.push_back(std::move(request));
}

void FakeAgent::serve() {
  for (size_t next = 0; next < answers_.size(); ++next) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    record(line_from(fd));
    // Before the last answer: a client that has read it must find no listener.
    if (next + 1 == answers_.size()) ::shutdown(listener_, SHUT_RDWR);
    send_all(fd, answers_[next]);
    ::close(fd);
  }
}

}  // namespace pellicle
