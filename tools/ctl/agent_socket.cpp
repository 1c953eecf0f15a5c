#include "tools/ctl/agent_socket.h"

#include "tools/agent_line.h"

namespace pellicle::ctl {

namespace {

// Large enough for the status of thousands of peers.
constexpr size_t kLongestAnswer = 64 << 20;

// Adds to the error what a person can do.
[[noreturn]] void fail(const std::string& socket, const NoAnswer& none,
                       std::chrono::milliseconds limit) {
  if (none.why() != NoAnswer::Why::late) {
    throw Unreachable("no agent answers on " + socket + ": " + none.what());
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limit).count();
  throw Silent("the agent on " + socket + " is there but does not answer within " +
               std::to_string(seconds) +
               " s: it is stopped or hangs; the datapath goes on without it");
}

}  // namespace

nlohmann::ordered_json ask(const std::string& socket, const std::string& method,
                           const nlohmann::json& params, std::chrono::milliseconds limit) {
  const auto line = nlohmann::json{{"method", method}, {"params", params}}.dump();
  nlohmann::ordered_json reply;
  try {
    reply = nlohmann::ordered_json::parse(agent_answer(socket, line, limit, kLongestAnswer));
  } catch (const NoAnswer& none) {
    fail(socket, none, limit);
  } catch (const nlohmann::json::exception&) {
    throw Unreachable("what answers on " + socket + " is not a pellicle-agent");
  }
  if (reply.contains("error")) throw Refused(reply["error"].value("message", "unknown error"));
  return reply["result"];
}

bool answers(const std::string& socket, std::chrono::milliseconds limit) {
  try {
    ask(socket, "status", nlohmann::json::object(), limit);
    return true;
  } catch (const Silent&) {
    return true;
  } catch (const Unreachable&) {
    return false;
  } catch (const Refused&) {
    return true;
  }
}

}  // namespace pellicle::ctl
