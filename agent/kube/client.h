// HTTPS requests and watches on the agent's loop: every callback runs on the io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/kube/access.h"
#include "agent/kube/http.h"

namespace pellicle {

class ApiCore;

// An active request. Destroying or cancelling it closes the connection, and no callback follows.
// May outlive its client.
class Call {
 public:
  Call() = default;
  Call(std::weak_ptr<ApiCore> core, uint64_t id) : core_(std::move(core)), id_(id) {}
  Call(Call&& other) noexcept { *this = std::move(other); }
  Call& operator=(Call&& other) noexcept;
  ~Call() { cancel(); }
  void cancel();

 private:
  std::weak_ptr<ApiCore> core_;
  uint64_t id_ = 0;
};

struct WatchCallbacks {
  std::function<void()> on_open;              // answered with 200; frames follow
  std::function<void(std::string)> on_frame;  // one complete line
  std::function<void(WatchEnd)> on_end;       // once, as the last callback
};

// Larger bodies and frames fail with an error. A LIST page of 500 large Nodes has 10 MiB.
inline constexpr size_t kLargestAnswer = 64 << 20;

// Limit from the start of a watch to its headers.
inline constexpr std::chrono::seconds kWatchAnswerLimit{30};

// All calls and the destructor must run on the io_context's thread. The destructor waits at most
// two seconds for the library to release the connections that it closes.
class ApiClient {
 public:
  ApiClient(boost::asio::io_context& io, ApiAccess access);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // The callback never runs inside request() or watch().
  [[nodiscard]] Call request(const Request& request, std::function<void(Response)> on_answer);
  [[nodiscard]] Call watch(const Request& request, WatchCallbacks callbacks);

 private:
  std::shared_ptr<ApiCore> core_;
};

}  // namespace pellicle
