#include "tools/ctl/agent_socket.h"

#include <sys/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace pellicle::ctl {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

namespace {

std::string round_trip(const std::string& path, const std::string& request) {
  asio::io_context context;
  Protocol::socket socket(context);
  socket.connect(Protocol::endpoint(path));
  const timeval limit{.tv_sec = 30, .tv_usec = 0};
  setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  asio::write(socket, asio::buffer(request + "\n"));
  std::string reply;
  asio::read_until(socket, asio::dynamic_buffer(reply), '\n');
  return reply;
}

}  // namespace

nlohmann::ordered_json ask(const std::string& socket, const std::string& method,
                           const nlohmann::json& params) {
  nlohmann::ordered_json reply;
  try {
    reply = nlohmann::ordered_json::parse(
        round_trip(socket, nlohmann::json{{"method", method}, {"params", params}}.dump()));
  } catch (const boost::system::system_error& error) {
    throw Unreachable("no agent answers on " + socket + ": " + error.code().message());
  } catch (const nlohmann::json::exception&) {
    throw Unreachable("what answers on " + socket + " is not a pellicle-agent");
  }
  if (reply.contains("error")) throw Refused(reply["error"].value("message", "unknown error"));
  return reply["result"];
}

}  // namespace pellicle::ctl
