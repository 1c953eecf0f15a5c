#include "tools/cni/plugin.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "tools/cni/agent.h"
#include "tools/cni/deletion.h"
#include "tools/cni/readiness.h"
#include "tools/cni/request.h"
#include "tools/cni/result.h"

namespace pellicle::cni {

namespace {

// An agent that is in its first pass, or deletes many pods, takes its time; a runtime that waits
// for STATUS asks again anyway, every few seconds.
constexpr std::chrono::seconds kWorkLimit(60);
constexpr std::chrono::seconds kStatusLimit(5);
constexpr std::chrono::milliseconds kPause(200);  // before an agent that is away is asked again

std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Failure no_agent(const Request& request, const NoAnswer& silence) {
  return {kTryLater,
          "the Pellicle agent of this node does not answer on " + request.socket + ": " +
              silence.what(),
          "try again when pellicle-agent runs"};
}

// The pod's network namespace, opened here: the path is the runtime's, and may be another one's, or
// nothing, where the agent is (/proc/<pid>/ns/net, in a PID namespace of its own).
FileDescriptor opened_netns(const Request& request) {
  if (!request.params.contains("netnsPassed")) return {};
  FileDescriptor netns(::open(request.netns.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (netns) return netns;
  const int error = errno;
  throw Failure(error == ENOENT ? kUnknownContainer : kIo,
                "network namespace " + request.netns + ": " + std::strerror(error));
}

Json ask_agent(const Request& request, const std::string& method, const Json& params,
               int descriptor = -1) {
  return ask(request.socket, method, params,
             request.verb == Verb::status ? kStatusLimit : kWorkLimit, descriptor);
}

// ADD waits for an agent that is being replaced: its socket refuses connections, or the agent is in
// its first pass. An agent that took the request and gives no answer may have carried it out, so it
// is not asked again.
Json asked(const Request& request, const std::string& method, const Json& params,
           int descriptor = -1) {
  const auto end = std::chrono::steady_clock::now() + request.wait;
  for (;; std::this_thread::sleep_for(kPause)) {
    const bool last = std::chrono::steady_clock::now() >= end;
    try {
      return ask_agent(request, method, params, descriptor);
    } catch (const NoAnswer& silence) {
      if (last || silence.why() != NoAnswer::Why::absent) throw no_agent(request, silence);
    } catch (const Failure& refusal) {
      if (last || refusal.code() != kTryLater) throw;
    }
  }
}

Json asked(const Request& request) {
  const auto netns = opened_netns(request);
  return asked(request, request.method, request.params, netns.get());
}

// A deletion of the same pod that is still waiting must not strike the new one.
void complete_deletion(const Request& request) {
  const auto id = request.params.at("id").get<std::string>();
  if (!is_deletion_queued(request.socket, id)) return;
  asked(request, "pod-delete", {{"id", id}});
  forget_deletion(request.socket, id);
}

void queue(const Request& request, const std::string& id, const NoAnswer& silence) {
  try {
    queue_deletion(request.socket, id);
  } catch (const std::system_error& error) {
    throw Failure(kTryLater, "the pod's deletion can neither be carried out nor be queued",
                  std::string("the agent on ") + request.socket + ": " + silence.what() + "; " +
                      error.what());
  }
}

// Succeeds without an agent: a pod that is gone for the runtime must not stay because we restart.
void remove(const Request& request) {
  const auto id = request.params.at("id").get<std::string>();
  try {
    ask_agent(request, request.method, request.params);
  } catch (const NoAnswer& silence) {
    if (silence.why() == NoAnswer::Why::late || silence.why() == NoAnswer::Why::garbled) {
      throw no_agent(request, silence);  // somebody is there
    }
    queue(request, id, silence);
    try {
      ask_agent(request, request.method, request.params);
    } catch (const NoAnswer& again) {
      if (again.why() == NoAnswer::Why::absent) return;  // it will read what is queued
      throw no_agent(request, again);
    }
  }
  forget_deletion(request.socket, id);
}

// Whatever is amiss, the one thing that STATUS says is that ADD cannot be served. ADD waits for an
// agent that is away for a moment, so that alone is none.
void report_status(const Request& request) {
  try {
    asked(request);
    note_ready(request.socket);
  } catch (const Failure& failure) {
    if (was_ready_within(request.socket, request.grace)) return;
    throw Failure(kUnavailable, "pods cannot be added now", failure.what());
  }
}

std::string perform(const Request& request) {
  switch (request.verb) {
    case Verb::add:
      complete_deletion(request);
      return text(add_result(request, asked(request)));
    case Verb::del:
      remove(request);
      break;
    case Verb::check:
    case Verb::gc:
      asked(request);
      break;
    case Verb::status:
      report_status(request);
      break;
    case Verb::version:
      return text(version_result(request));
  }
  return "";
}

}  // namespace

Answer error_answer(const std::string& input, const Failure& failure) {
  return {.status = 1, .text = text(error_object(version_for_errors(input), failure))};
}

Answer answer(const Environment& environment, const std::string& input) {
  try {
    return {.status = 0, .text = perform(request(environment, input))};
  } catch (const Failure& failure) {
    return error_answer(input, failure);
  } catch (const std::exception& error) {
    return error_answer(input, {kUnforeseen, "unexpected error", error.what()});
  }
}

}  // namespace pellicle::cni
