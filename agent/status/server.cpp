#include "agent/status/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>

#include "agent/log.h"

namespace pellicle {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

namespace {

constexpr size_t kMaxRequest = 1 << 20;  // bytes
constexpr int kDeepest = 32;             // levels; the deepest request has three
constexpr size_t kMaxSessions = 64;
constexpr auto kIdleLimit = std::chrono::seconds(30);

bool somebody_answers(asio::io_context& context, const std::string& path) {
  Protocol::socket probe(context);
  boost::system::error_code error;
  probe.connect(Protocol::endpoint(path), error);
  return !error;
}

}  // namespace

// Lives as long as its connection: each pending operation holds a reference.
class Server::Session : public std::enable_shared_from_this<Server::Session> {
 public:
  Session(Server& server, Protocol::socket socket)
      : server_(server),
        sessions_(server.sessions_),
        socket_(std::move(socket)),
        idle_(socket_.get_executor()) {
    ++*sessions_;
  }
  ~Session() { --*sessions_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    idle_.expires_after(kIdleLimit);
    idle_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->close();
    });
    asio::async_read_until(
        socket_, asio::dynamic_buffer(input_, kMaxRequest), '\n',
        [self = shared_from_this()](boost::system::error_code error, size_t size) {
          self->idle_.cancel();
          if (!error) self->reply(size);
        });
  }

 private:
  void reply(size_t size) {
    output_ = server_.answer(input_.substr(0, size - 1)) + "\n";
    input_.erase(0, size);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](boost::system::error_code error, size_t) {
                        if (!error) self->read();
                      });
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  Server& server_;
  std::shared_ptr<size_t> sessions_;
  Protocol::socket socket_;
  asio::steady_timer idle_;
  std::string input_;
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

// Who comes while all sessions are taken waits in the socket's backlog: a restarted kubelet asks
// for every pod at once.
void Server::accept() {
  if (*sessions_ >= kMaxSessions) return accept_after(std::chrono::milliseconds(20));
  acceptor_.async_accept([this](boost::system::error_code error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    // Out of descriptors, most likely: some may be free later.
    if (error) return accept_after(std::chrono::seconds(1));
    std::make_shared<Session>(*this, std::move(socket))->read();
    accept();
  });
}

void Server::accept_after(std::chrono::milliseconds delay) {
  retry_.expires_after(delay);
  retry_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped) accept();
  });
}

nlohmann::json Server::result(const std::string& line) const {
  // Copying and writing recurse: what is nested without end must not get that far.
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDeepest) throw RequestError(kErrorInvalid, "the request is nested too deep");
    return true;
  };
  const auto request = nlohmann::json::parse(line, shallow);
  const auto method = methods_.find(request.at("method").get<std::string>());
  if (method == methods_.end()) throw RequestError(kErrorUnknownMethod, "no such method");
  return method->second(request.value("params", nlohmann::json::object()));
}

std::string Server::answer(const std::string& line) const {
  nlohmann::json reply;
  const auto fail = [&reply](int code, const std::string& message) {
    reply["error"]["code"] = code;
    reply["error"]["message"] = message;
  };
  try {
    reply["result"] = result(line);
  } catch (const RequestError& error) {
    fail(error.code(), error.what());
  } catch (const nlohmann::json::exception& error) {
    fail(kErrorInvalid, std::string("the request is malformed: ") + error.what());
  } catch (const std::exception& error) {
    log::error("request failed", {{"error", error.what()}});
    fail(kErrorFailed, error.what());
  }
  return reply.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace pellicle
