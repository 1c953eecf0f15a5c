#include "agent/socket/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <cerrno>
#include <optional>

#include "agent/log.h"
#include "agent/socket/passed_descriptor.h"

namespace pellicle {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

namespace {

constexpr size_t kMaxRequest = 1 << 20;  // bytes
constexpr int kDeepest = 32;             // levels of JSON; the deepest valid request has three
constexpr auto kIdleLimit = std::chrono::seconds(30);

// Allows root and the agent's own user. The socket's mode restricts access too, but a mode can be
// changed, and a process can pass its descriptor to another.
bool may_ask(Protocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

nlohmann::json error_reply(int code, const std::string& message) {
  return {{"error", {{"code", code}, {"message", message}}}};
}

std::string line_of(const nlohmann::json& reply) {
  return reply.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

bool somebody_answers(asio::io_context& context, const std::string& path) {
  Protocol::socket probe(context);
  boost::system::error_code error;
  probe.connect(Protocol::endpoint(path), error);
  return !error;
}

}  // namespace

// Lives as long as its connection, because each pending operation holds a reference.
class Server::Session : public std::enable_shared_from_this<Server::Session> {
 public:
  Session(Server& server, Protocol::socket socket)
      : server_(server),
        sessions_(server.sessions_),
        socket_(std::move(socket)),
        idle_(socket_.get_executor()) {
    ++sessions_->count;
  }
  ~Session() {
    not_awaited();
    --sessions_->count;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    await();
    read_from(0);
  }

  void refuse() {
    await();
    output_ = line_of(error_reply(kErrorFailed, "only root may ask the agent"));
    asio::async_write(
        socket_, asio::buffer(output_),
        [self = shared_from_this()](boost::system::error_code, size_t) { self->not_awaited(); });
  }

  // Cancels the pending operations; the session is destroyed with them.
  void close() {
    not_awaited();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  bool awaited_for(std::chrono::milliseconds time) const {
    return std::chrono::steady_clock::now() - since_ >= time;
  }

 private:
  // Until there is a whole line; up to `searched` there is no end of one.
  void read_from(size_t searched) {
    const auto end = input_.find('\n', searched);
    if (end != std::string::npos) {
      not_awaited();
      return reply(end + 1);
    }
    if (input_.size() >= kMaxRequest) return not_awaited();
    socket_.async_wait(Protocol::socket::wait_read,
                       [self = shared_from_this()](boost::system::error_code error) {
                         const auto before = self->input_.size();
                         if (error || !self->receive()) return self->not_awaited();
                         self->read_from(before);
                       });
  }

  bool receive() {
    const auto room = kMaxRequest - input_.size();
    const auto size = receive_some(socket_.native_handle(), input_, room, passed_);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void reply(size_t size) {
    output_ = server_.answer(input_.substr(0, size - 1), std::move(passed_));
    input_.erase(0, size);
    await();
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](boost::system::error_code error, size_t) {
                        self->not_awaited();
                        if (!error) self->read();
                      });
  }

  // From now on the client is expected to send a request or read its answer.
  void await() {
    since_ = std::chrono::steady_clock::now();
    place_ = sessions_->awaited.insert(sessions_->awaited.end(), this);
    idle_.expires_after(kIdleLimit);
    idle_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->close();
    });
  }

  void not_awaited() {
    if (!place_) return;
    idle_.cancel();
    sessions_->awaited.erase(*place_);
    place_.reset();
  }

  Server& server_;
  std::shared_ptr<Sessions> sessions_;
  Protocol::socket socket_;
  asio::steady_timer idle_;
  std::chrono::steady_clock::time_point since_;
  std::optional<std::list<Session*>::iterator> place_;  // in Sessions::awaited, while it is there
  std::string input_;
  FileDescriptor passed_;  // came with what is in input_
  std::string output_;
};

Server::Server(asio::io_context& context, std::string path, std::map<std::string, Method> methods)
    : acceptor_(context), retry_(context), path_(std::move(path)), methods_(std::move(methods)) {
  if (path_.size() >= sizeof(sockaddr_un::sun_path)) {
    throw std::runtime_error("socket " + path_ + ": the path is longer than 107 characters");
  }
  if (somebody_answers(context, path_)) {
    throw std::runtime_error("socket " + path_ + ": another agent is answering on it");
  }
  ::unlink(path_.c_str());
  const mode_t before = ::umask(0177);
  try {
    acceptor_.open();
    acceptor_.bind(Protocol::endpoint(path_));
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    ::umask(before);
    throw std::runtime_error("socket " + path_ + ": " + error.code().message());
  }
  ::umask(before);
  accept();
}

Server::~Server() {
  ::unlink(path_.c_str());
}

// While all sessions are in use, new connections wait in the socket's backlog: a restarted kubelet
// asks for every pod at once.
void Server::accept() {
  if (sessions_->count >= kMaxSessions) {
    close_the_silent();
    return accept_after(std::chrono::milliseconds(20));
  }
  acceptor_.async_accept([this](boost::system::error_code error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    // Most likely no descriptor is free; retry later.
    if (error) return accept_after(std::chrono::seconds(1));
    const bool welcome = may_ask(socket);
    const auto session = std::make_shared<Session>(*this, std::move(socket));
    welcome ? session->read() : session->refuse();
    accept();
  });
}

void Server::close_the_silent() {
  auto& awaited = sessions_->awaited;
  while (!awaited.empty() && awaited.front()->awaited_for(kGrace)) awaited.front()->close();
}

void Server::accept_after(std::chrono::milliseconds delay) {
  retry_.expires_after(delay);
  retry_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped) accept();
  });
}

nlohmann::json Server::result(const std::string& line, FileDescriptor passed) const {
  // Copying and writing recurse: what is nested without end must not get that far.
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDeepest) throw RequestError(kErrorInvalid, "the request is nested too deep");
    return true;
  };
  const auto request = nlohmann::json::parse(line, shallow);
  const auto method = methods_.find(request.at("method").get<std::string>());
  if (method == methods_.end()) throw RequestError(kErrorUnknownMethod, "no such method");
  const auto params = request.value("params", nlohmann::json::object());
  const auto* taking = std::get_if<TakingMethod>(&method->second);
  return taking != nullptr ? (*taking)(params, std::move(passed))
                           : std::get<PlainMethod>(method->second)(params);
}

std::string Server::answer(const std::string& line, FileDescriptor passed) const {
  try {
    return line_of({{"result", result(line, std::move(passed))}});
  } catch (const RequestError& error) {
    return line_of(error_reply(error.code(), error.what()));
  } catch (const nlohmann::json::exception& error) {
    return line_of(
        error_reply(kErrorInvalid, std::string("the request is malformed: ") + error.what()));
  } catch (const std::exception& error) {
    log::error("request failed", {{"error", error.what()}});
    return line_of(error_reply(kErrorFailed, error.what()));
  }
}

}  // namespace pellicle
