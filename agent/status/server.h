// The node-local API: newline-delimited JSON over a unix socket that only root can open. One
// request a line,
// {"method": "...", "params": {...}}, one answer a line, {"result": ...} or {"error": {"code": n,
// "message": "..."}}.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace pellicle {

// Error codes are those of the CNI specification (1.1.0, "Well-known Error Codes") where one fits;
// from 100 on they are ours.
class RequestError : public std::runtime_error {
 public:
  RequestError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

inline constexpr int kErrorNoContainer = 3;  // or its network namespace is gone
inline constexpr int kErrorUnknownMethod = 4;
inline constexpr int kErrorInvalid = 7;
inline constexpr int kErrorTryLater = 11;
inline constexpr int kErrorFailed = 100;     // the kernel or the disk refused something
inline constexpr int kErrorExhausted = 101;  // no address is free
inline constexpr int kErrorBroken = 102;     // a pod is not wired as it was

class Server {
 public:
  static constexpr size_t kMaxSessions = 256;  // of 1024 descriptors that a daemon has by default
  static constexpr std::chrono::milliseconds kGrace{250};

  using Method =
      std::function<nlohmann::json(const nlohmann::json& params)>;  // throws RequestError

  // Takes the socket over from an agent that died; std::runtime_error when a live one answers on it
  // or it cannot be bound. Requests are limited to 1 MiB. A connection that takes longer than 30 s
  // to ask or to read its answer is closed; while there are kMaxSessions, also one that has not
  // asked for kGrace: nobody keeps the others out by saying nothing.
  Server(boost::asio::io_context& context, std::string path, std::map<std::string, Method> methods);
  ~Server();  // removes the socket
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  void accept();
  void accept_after(std::chrono::milliseconds delay);
  void close_the_silent();
  nlohmann::json result(const std::string& line) const;  // throws RequestError, json errors
  std::string answer(const std::string& line) const;
  class Session;
  // Outlives us in the sessions.
  struct Sessions {
    size_t count = 0;
    // Whose client is expected to ask or to read its answer, the longest awaited first.
    std::list<Session*> awaited;
  };

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::string path_;
  std::map<std::string, Method> methods_;
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
};

}  // namespace pellicle
