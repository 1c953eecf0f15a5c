#include "tools/operator/elector.h"

#include "tools/operator/times.h"

namespace pellicle {

Elector::Elector(boost::asio::io_context& io, ApiClient& client, ElectionSettings settings,
                 Callbacks callbacks)
    : client_(client),
      election_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      timer_(io),
      deadline_(io) {}

void Elector::start() {
  attempt();
}

void Elector::attempt() {
  call_ = client_.request(election_.get(), [this](const Response& response) { got(response); });
}

void Elector::got(const Response& response) {
  const auto begun = std::chrono::steady_clock::now();
  election_.note(callbacks_.notes());
  const auto write = election_.answered(response, begun, micro_time_now());
  judge();
  if (!write) return again();
  writing_ = true;
  call_ = client_.request(*write, [this, begun](const Response& answer) {
    writing_ = false;
    election_.wrote(answer, begun);
    if (when_written_) return std::exchange(when_written_, nullptr)();
    judge();
    again();
  });
}

void Elector::again() {
  if (resigned_) return;
  timer_.expires_after(election_.settings().retry_period);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) attempt();
  });
}

bool Elector::may_act(Milliseconds needs) const {
  return leads_ && election_.may_act(std::chrono::steady_clock::now(), needs);
}

void Elector::judge() {
  const bool leads = !resigned_ && election_.may_act(std::chrono::steady_clock::now());
  if (election_.trouble() != told_) {
    told_ = election_.trouble();
    if (!told_.empty()) callbacks_.on_trouble(told_);
  }
  if (leads) expire_at_deadline();
  if (leads == std::exchange(leads_, leads)) return;
  (leads ? callbacks_.on_begin : callbacks_.on_end)();
}

// A renewal may hang for longer than the leadership lasts.
void Elector::expire_at_deadline() {
  deadline_.expires_after(election_.settings().renew_deadline);
  deadline_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) judge();
  });
}

void Elector::resign(std::function<void()> done) {
  resigned_ = true;
  timer_.cancel();
  deadline_.cancel();
  // The pending write may be the one that acquires the Lease.
  if (writing_) {
    when_written_ = [this, done = std::move(done)]() mutable { give_back(std::move(done)); };
    return;
  }
  call_.cancel();
  give_back(std::move(done));
}

void Elector::give_back(std::function<void()> done) {
  election_.note(callbacks_.notes());
  const auto request = election_.release(micro_time_now());
  leads_ = false;
  if (!request) return done();
  call_ = client_.request(*request, [done = std::move(done)](const Response&) { done(); });
}

}  // namespace pellicle
