#include "tools/cni/agent.h"

#include "tools/cni/failure.h"

namespace pellicle::cni {

namespace {

using std::chrono::milliseconds;

// Codes that mean the same to a runtime as to the agent, and those the specification leaves to us.
int code_for_runtime(const Json& code) {
  if (!code.is_number_integer()) return kUnforeseen;
  const auto number = code.get<int64_t>();
  const bool shared =
      number == kUnknownContainer || number == kInvalidConfiguration || number == kTryLater;
  if (shared || (number >= kFirstOfOurOwn && number <= kUnforeseen)) {
    return static_cast<int>(number);
  }
  return kTryLater;  // an agent of another version, which an upgrade is about to replace
}

[[noreturn]] void refuse(const Json& error) {
  const auto message = error.find("message");
  const auto code = error.find("code");
  const bool says_why = message != error.end() && message->is_string();
  throw Failure(code == error.end() ? kUnforeseen : code_for_runtime(*code),
                says_why ? message->get<std::string>() : "the Pellicle agent gives no reason");
}

std::string answer_of(const std::string& socket, const std::string& line, milliseconds limit,
                      int descriptor) {
  try {
    return agent_answer(socket, line, limit, kLongestAnswer, descriptor);
  } catch (const NoAnswer& none) {
    if (none.why() == NoAnswer::Why::unasked) throw Failure(kIo, none.what());
    throw;
  }
}

}  // namespace

Json ask(const std::string& socket, const std::string& method, const Json& params,
         milliseconds limit, int descriptor) {
  const Json request{{"method", method}, {"params", params}};
  const auto line = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  auto answer = Json::parse(answer_of(socket, line, limit, descriptor), nullptr, false);
  if (answer.is_object()) {
    const auto error = answer.find("error");
    if (error != answer.end()) refuse(*error);
    const auto result = answer.find("result");
    if (result != answer.end()) return std::move(*result);
  }
  throw NoAnswer(NoAnswer::Why::garbled, "its answer is none of an agent's");
}

}  // namespace pellicle::cni
