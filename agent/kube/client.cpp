#include "agent/kube/client.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "agent/kube/gunzip.h"
#include "agent/kube/lines.h"
#include "agent/kube/wire.h"

namespace pellicle {
namespace {

const std::string kTooLarge =
    "the answer is larger than " + std::to_string(kLargestAnswer >> 20) + " MiB";
constexpr const char* kCutShort = "the compressed answer ends in the middle";

}  // namespace

// The active calls. Lives as long as its ApiClient, and a little longer when a callback destroys
// the client.
class ApiCore : public std::enable_shared_from_this<ApiCore> {
 public:
  ApiCore(boost::asio::io_context& io, ApiAccess access) : io_(io), access_(std::move(access)) {}
  void open();
  void close();
  Call start(const Request& request, std::function<void(Response)> on_answer,
             WatchCallbacks callbacks);
  void cancel(uint64_t id);

 private:
  struct ActiveCall {
    std::function<void(Response)> on_answer;  // empty for a watch
    WatchCallbacks callbacks;
    boost::asio::steady_timer timer;
    std::chrono::milliseconds silence;  // a watch's limit once it is open
    Response response;
    LineSplitter lines{kLargestAnswer};
    std::optional<Gunzip> gunzip = {};  // the body is compressed
    bool is_watch() const { return !on_answer; }
    bool open() const { return is_watch() && response.status == 200; }
  };

  void on(uint64_t id, const WireHeaders& headers);
  void on(uint64_t id, const WirePiece& piece);
  void on(uint64_t id, const WireEnd& end);
  std::string token();
  bool take(ActiveCall& call, std::string_view bytes);
  void take_compressed(uint64_t id, std::string_view bytes);
  void set_deadline(uint64_t id, ActiveCall& call, std::chrono::milliseconds limit);
  void give_frames(uint64_t id);
  void fail(uint64_t id, const std::string& why);
  void finish(uint64_t id);

  boost::asio::io_context& io_;
  ApiAccess access_;
  std::unique_ptr<Wire> wire_;
  std::map<uint64_t, ActiveCall> calls_;
  uint64_t last_id_ = 0;
  std::string last_token_;
};

void ApiCore::open() {
  wire_ = std::make_unique<Wire>(
      io_, access_, [core = weak_from_this()](uint64_t id, const WireEvent& event) {
        const auto alive = core.lock();
        if (!alive) return;
        std::visit([&](const auto& what) { alive->on(id, what); }, event);
      });
}

void ApiCore::close() {
  while (!calls_.empty()) cancel(calls_.begin()->first);
  wire_.reset();
}

// Kubelet renews the file by swapping a symlink, so the agent reads it for each request. While it
// is unreadable, the last token stays in use.
std::string ApiCore::token() {
  if (access_.token_file.empty()) return access_.token;
  try {
    auto text = Pem{.text = "", .file = access_.token_file}.read();
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto last = text.find_last_not_of(" \t\r\n");
    text = first == std::string::npos ? "" : text.substr(first, last - first + 1);
    if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos) {
      throw AccessError("the token file " + access_.token_file + " does not hold one token");
    }
    last_token_ = std::move(text);
  } catch (const AccessError&) {
    if (last_token_.empty()) throw;
  }
  return last_token_;
}

Call ApiCore::start(const Request& request, std::function<void(Response)> on_answer,
                    WatchCallbacks callbacks) {
  const uint64_t id = ++last_id_;
  ActiveCall started{.on_answer = std::move(on_answer),
                     .callbacks = std::move(callbacks),
                     .timer = boost::asio::steady_timer(io_),
                     .silence = request.limit,
                     .response = {}};
  auto& call = calls_.emplace(id, std::move(started)).first->second;
  set_deadline(id, call,
               call.is_watch() ? std::chrono::milliseconds(kWatchAnswerLimit) : request.limit);
  try {
    wire_->send(id, request, token());
  } catch (const AccessError& error) {
    boost::asio::post(io_, [core = weak_from_this(), id, end = WireEnd{error.what()}] {
      if (const auto alive = core.lock()) alive->on(id, end);
    });
  }
  return {weak_from_this(), id};
}

void ApiCore::set_deadline(uint64_t id, ActiveCall& call, std::chrono::milliseconds limit) {
  call.timer.expires_after(limit);
  call.timer.async_wait([core = weak_from_this(), id, limit](boost::system::error_code error) {
    if (error) return;
    const auto tenths = limit.count() / 100;
    const auto shown = std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
    if (const auto alive = core.lock()) alive->fail(id, "nothing was heard for " + shown + " s");
  });
}

void ApiCore::cancel(uint64_t id) {
  // The callbacks may own further calls, so the map must be consistent before they are destroyed.
  const auto cancelled = calls_.extract(id);
  if (!cancelled.empty()) wire_->abort(id);
}

void ApiCore::fail(uint64_t id, const std::string& why) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  wire_->abort(id);
  found->second.response.error = access_.scheme_host_port + ": " + why;
  finish(id);
}

void ApiCore::finish(uint64_t id) {
  const auto node = calls_.extract(id);
  if (node.empty()) return;
  wire_->forget(id);
  auto& call = node.mapped();
  call.timer.cancel();
  if (!call.is_watch()) return call.on_answer(std::move(call.response));
  call.callbacks.on_end(
      {.response = std::move(call.response), .half_frame = call.lines.half_line()});
}

void ApiCore::on(uint64_t id, const WireHeaders& headers) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  auto& call = found->second;
  call.response.status = headers.status;
  call.response.retry_after = headers.retry_after;
  if (headers.encoding == "gzip") {
    call.gunzip.emplace();
  } else if (!headers.encoding.empty() && headers.encoding != "identity") {
    return fail(id, "the answer has an encoding that was not asked for");
  }
  // The server rejects an expired client certificate for the whole connection, so a new one is
  // needed.
  if (headers.status == 401 && !access_.client_certificate.file.empty()) wire_->renew();
  if (!call.open()) return;
  set_deadline(id, call, call.silence);
  // A copy: the callback may cancel its own call.
  if (const auto on_open = call.callbacks.on_open) on_open();
}

void ApiCore::on(uint64_t id, const WirePiece& piece) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  auto& call = found->second;
  if (call.open()) set_deadline(id, call, call.silence);
  if (call.gunzip) return take_compressed(id, piece.bytes);
  if (!take(call, piece.bytes)) return fail(id, kTooLarge);
  if (call.open()) give_frames(id);
}

// Part of the body, decoded. False: too large.
bool ApiCore::take(ActiveCall& call, std::string_view bytes) {
  if (call.open()) return call.lines.feed(bytes);
  if (call.response.body.size() + bytes.size() > kLargestAnswer) return false;
  call.response.body += bytes;
  return true;
}

// Frames are handed out between the decoded pieces, so that only one incomplete frame is kept. A
// callback may end the call.
void ApiCore::take_compressed(uint64_t id, std::string_view bytes) {
  auto gunzip = std::move(*calls_.at(id).gunzip);
  bool fits = true;
  const auto outcome = gunzip.feed(bytes, [&](std::string_view decoded) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return false;
    fits = take(found->second, decoded);
    if (fits && found->second.open()) give_frames(id);
    return fits && calls_.contains(id);
  });
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second.gunzip = std::move(gunzip);
  if (!fits) return fail(id, kTooLarge);
  if (outcome == Gunzip::Outcome::broken) fail(id, "the compressed answer is damaged");
}

void ApiCore::give_frames(uint64_t id) {
  while (true) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    auto line = found->second.lines.next();
    if (!line) return;
    const auto on_frame = found->second.callbacks.on_frame;
    on_frame(std::move(*line));
  }
}

void ApiCore::on(uint64_t id, const WireEnd& end) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  auto& call = found->second;
  call.response.error = end.error;
  if (end.error.empty() && call.gunzip && !call.gunzip->complete()) {
    call.response.error = access_.scheme_host_port + ": " + kCutShort;
  }
  finish(id);
}

Call& Call::operator=(Call&& other) noexcept {
  if (this == &other) return *this;
  cancel();
  core_ = std::move(other.core_);
  id_ = std::exchange(other.id_, 0);
  return *this;
}

void Call::cancel() {
  if (const auto core = core_.lock()) core->cancel(id_);
  core_.reset();
}

ApiClient::ApiClient(boost::asio::io_context& io, ApiAccess access)
    : core_(std::make_shared<ApiCore>(io, std::move(access))) {
  core_->open();
}

ApiClient::~ApiClient() {
  core_->close();
}

Call ApiClient::request(const Request& request, std::function<void(Response)> on_answer) {
  return core_->start(request, std::move(on_answer), {});
}

Call ApiClient::watch(const Request& request, WatchCallbacks callbacks) {
  return core_->start(request, nullptr, std::move(callbacks));
}

}  // namespace pellicle
