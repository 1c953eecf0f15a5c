#include "tests/harness/api/session.h"

#include "tests/harness/api/access_review.h"
#include "tests/harness/api/respond.h"

namespace pellicle::api {
namespace {

Response response_of(const Refusal& refusal) {
  Response response = json_response(refusal.code, refusal.status);
  response.retry_after = refusal.retry_after;
  return response;
}

}  // namespace

void Session::run() try {
  wire_.handshake();
  Next next = Next::request;
  while (next == Next::request) {
    std::optional<Request> request = wire_.read();
    next = request ? serve(read_call(std::move(*request))) : Next::goodbye;
  }
  if (next == Next::goodbye) wire_.say_goodbye();
  if (next == Next::reset) wire_.reset_on_close();
} catch (const std::exception&) {
  // The peer closed the connection in the middle of an exchange: allowed.
}

void Session::log(const Call& call, int status, bool gzip) {
  shared_.requests.push_back({.method = call.request.method,
                              .path = call.path,
                              .query = call.query,
                              .verb = call.verb,
                              .resource = call.target_resource(),
                              .user = call.user,
                              .user_agent = call.request.user_agent,
                              .accept = call.request.accept,
                              .metadata_only = call.metadata_only,
                              .gzip = gzip,
                              .status = status});
  shared_.seen.notify_all();
}

Session::Next Session::serve(Call call) {
  std::optional<Fault> fault;
  std::optional<Refusal> refusal;
  {
    const std::lock_guard lock(shared_.mutex);
    try {
      call.user = shared_.access.user_of(call.request, wire_.certificate_user());
    } catch (const Refusal& refused) {
      refusal = refused;
    }
    fault = shared_.faults.take(call);
    clears_ = shared_.faults.clears();
    const bool silent =
        fault && (fault->kind == FaultKind::drop || fault->kind == FaultKind::reset ||
                  fault->kind == FaultKind::stall);
    if (silent) log(call, 0);
  }
  if (!fault) return answer(call, refusal, std::nullopt);
  switch (fault->kind) {
    case FaultKind::drop:
      return Next::drop;
    case FaultKind::reset:
      return Next::reset;
    case FaultKind::stall:
      return stall();
    case FaultKind::delay:
      if (!pause(fault->delay)) return Next::drop;
      return answer(call, refusal, std::nullopt);
    case FaultKind::late:
      late_ = fault->delay;
      return answer(call, refusal, fault->kind);
    case FaultKind::answer:
      return answer(call, refusal_for(fault->status, fault->retry_after, call.attempt()),
                    std::nullopt);
    default:
      return answer(call, refusal, fault->kind);
  }
}

// Chooses the form of what is read. Throws Refusal (406).
void Session::negotiate(Call& call) const {
  if (call.resource == nullptr || call.request.method != "GET") return;
  call.metadata_only = wants_metadata(call, shared_.settings.metadata);
}

Session::Next Session::answer(Call call, const std::optional<Refusal>& refusal,
                              const std::optional<FaultKind>& broken) {
  Response response;
  std::optional<WatchStream> stream;
  bool gone_as_frame = false;
  {
    const std::lock_guard lock(shared_.mutex);
    try {
      if (refusal) throw *refusal;
      shared_.access.check(call);
      negotiate(call);
      if (call.verb == "watch") {
        stream.emplace(wire_, shared_, call, broken);
      } else {
        const uint64_t before = shared_.store.version();
        response = is_access_review(call) ? access_review(shared_.access, call)
                                          : respond(shared_.store, call);
        if (shared_.store.version() != before) shared_.wake_all();
      }
    } catch (const Refusal& refused) {
      gone_as_frame = call.verb == "watch" && refused.code == 410 && shared_.settings.gone_as_frame;
      response = response_of(refused);
      if (gone_as_frame) response = {.body = Feed::error_frame(refused)};
    } catch (const Json::exception& error) {  // a body whose shape was not checked above
      response = response_of({500, "InternalError", error.what()});
    }
    response.gzip = call.request.method == "GET" && call.can_gunzip() && response.code == 200 &&
                    response.body.size() > shared_.settings.gzip_above;
    log(call, stream ? 200 : response.code, stream ? stream->gzip() : response.gzip);
  }
  if (stream) return watch(*stream, call.request.keep_alive);
  if (!gone_as_frame) return send(call, response, broken);
  wire_.begin_chunks();
  wire_.send_chunk(response.body);
  wire_.end_chunks();
  return Next::request;
}

Session::Next Session::watch(WatchStream& stream, bool keep_alive) {
  switch (stream.run()) {
    case WatchStream::End::clean:
      return keep_alive ? Next::request : Next::goodbye;
    case WatchStream::End::drop:
      return Next::drop;
    case WatchStream::End::reset:
      return Next::reset;
  }
  return Next::drop;
}

Session::Next Session::send(const Call& call, const Response& response,
                            const std::optional<FaultKind>& broken) {
  const bool keep_alive = call.request.keep_alive;
  if (broken == FaultKind::truncate || broken == FaultKind::cut_off) {
    wire_.send_half(response);
    return broken == FaultKind::truncate ? Next::drop : stall();
  }
  if (broken == FaultKind::late && !pause(late_)) return Next::drop;
  Response sent = response;
  if (broken == FaultKind::garbage) sent = {.body = "{\"kind\":\"NodeList\",\"items\":[}"};
  wire_.send(sent, keep_alive);
  return keep_alive ? Next::request : Next::goodbye;
}

// False: the peer left meanwhile.
bool Session::pause(std::chrono::milliseconds delay) {
  const auto until = std::chrono::steady_clock::now() + delay;
  Wire::Woken woken = Wire::Woken::by_notify;
  while (woken == Wire::Woken::by_notify) woken = wire_.wait(until);
  return woken == Wire::Woken::by_timeout;
}

// Until the peer leaves or the faults are cleared.
Session::Next Session::stall() {
  std::unique_lock lock(shared_.mutex);
  while (shared_.faults.clears() == clears_) {
    lock.unlock();
    const auto later = std::chrono::steady_clock::now() + std::chrono::hours(1);
    if (wire_.wait(later) == Wire::Woken::by_peer_leaving) return Next::drop;
    lock.lock();
  }
  return Next::drop;
}

}  // namespace pellicle::api
