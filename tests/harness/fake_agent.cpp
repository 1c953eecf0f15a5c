#include "tests/harness/fake_agent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
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

// The descriptor that came with the first byte of what is there, which stays there.
std::string passed_to(int fd) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_PEEK | MSG_CMSG_CLOEXEC) != 1) return "";
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return "";
  int number = -1;
  std::memcpy(&number, CMSG_DATA(header), sizeof number);
  auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(number)).string();
  ::close(number);
  return name;
}

// As far as the other side listens.
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

FakeAgent::FakeAgent(std::string path, std::vector<std::string> answers, Takes takes)
    : path_(std::move(path)),
      answers_(std::move(answers)),
      takes_(takes),
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

std::vector<std::string> FakeAgent::passed() const {
  const std::scoped_lock lock(mutex_);
  return passed_;
}

void FakeAgent::record(std::string request, std::string passed) {
  const std::scoped_lock lock(mutex_);
  requests_.push_back(std::move(request));
  passed_.push_back(std::move(passed));
}

void FakeAgent::serve() {
  for (size_t next = 0; next < answers_.size(); ++next) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    auto passed = takes_ == Takes::descriptors ? passed_to(fd) : std::string();
    record(line_from(fd), std::move(passed));
    // Before the last answer: whoever has read it must find nobody.
    if (next + 1 == answers_.size()) ::shutdown(listener_, SHUT_RDWR);
    send_all(fd, answers_[next]);
    ::close(fd);
  }
}

}  // namespace pellicle
