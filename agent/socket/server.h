// The node-local API: newline-delimited JSON over a unix socket that only root can open. One
// request a line,
// {"method": "...", "params": {...}}, one answer a line, {"result": ...} or {"error": {"code": n,
// "message": "..."}}. A descriptor (SCM_RIGHTS) that comes with a request is of that request.
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
#include <string>
#include <variant>

#include "agent/kernel/file_descriptor.h"
#include "agent/socket/request_error.h"

namespace pellicle {

class Server {
 public:
  static constexpr size_t kMaxSessions = 256;  // a daemon has 1024 descriptors by default
  static constexpr std::chrono::milliseconds kGrace{250};

  // Both throw RequestError. `passed`: the descriptor that came with the request, if one did.
  using PlainMethod = std::function<nlohmann::json(const nlohmann::json& params)>;
  using TakingMethod =
      std::function<nlohmann::json(const nlohmann::json& params, FileDescriptor passed)>;
  using Method = std::variant<PlainMethod, TakingMethod>;
  using Methods = std::map<std::string, Method>;  // by name

  // Replaces the socket of an agent that died. Throws std::runtime_error when a running agent
  // answers on it or when it cannot be bound. Requests are limited to 1 MiB. A client that takes
  // longer than 30 s to send a request or to read its answer is disconnected. While there are
  // kMaxSessions, this limit is kGrace, so that silent clients cannot keep others out.
  Server(boost::asio::io_context& context, std::string path, Methods methods);
  ~Server();  // removes the socket
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  void accept();
  void accept_after(std::chrono::milliseconds delay);
  void close_the_silent();
  // Throws RequestError, json errors.
  nlohmann::json result(const std::string& line, FileDescriptor passed) const;
  std::string answer(const std::string& line, FileDescriptor passed) const;
  class Session;
  // State that sessions share. They may outlive the server.
  struct Sessions {
    size_t count = 0;
    // Sessions that wait for their client to send a request or read its answer, oldest first.
    std::list<Session*> awaited;
  };

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::string path_;
  std::map<std::string, Method> methods_;
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
};

}  // namespace pellicle
