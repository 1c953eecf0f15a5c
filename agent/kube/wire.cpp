#include "agent/kube/wire.h"

#include <cpprest/http_client.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>

#include "agent/kube/dead_peer.h"
#include "agent/kube/tls.h"
#include "agent/kube/wire_words.h"
#include "agent/model/ip.h"

namespace pellicle {

using boost::asio::ip::tcp;
using web::http::http_request;
using web::http::http_response;
using web::http::client::http_client;
using web::http::client::http_client_config;

// Passes events from the library's thread to the loop's thread, until the client is destroyed.
class Wire::Mailbox {
 public:
  Mailbox(boost::asio::io_context& io, Deliver deliver)
      : io_(&io), deliver_(std::make_shared<Deliver>(std::move(deliver))) {}

  void post(uint64_t id, WireEvent event) {
    const std::lock_guard lock(mutex_);
    if (io_ == nullptr) return;
    boost::asio::post(
        *io_, [deliver = deliver_, id, event = std::move(event)] { (*deliver)(id, event); });
  }
  void exchange_began() {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  void exchange_ended() {
    const std::lock_guard lock(mutex_);
    --running_;
    idle_.notify_all();
  }
  // Returns false when exchanges still run at the end of the limit.
  bool wait_until_idle(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    io_ = nullptr;
    return idle_.wait_for(lock, limit, [this] { return running_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  boost::asio::io_context* io_;
  std::shared_ptr<Deliver> deliver_;  // destroyed by the loop, or with the mailbox
  size_t running_ = 0;
};

// The library's objects for one server. Only the loop uses the map.
struct Wire::Connections {
  std::shared_ptr<PeerCheck> check;
  std::shared_ptr<http_client> client;
  std::function<std::shared_ptr<http_client>()> make_client;
  std::string host_header;  // empty: the library's default
  struct Stop {
    pplx::cancellation_token_source source;  // cancelled on the library's thread only
    std::shared_ptr<std::atomic<bool>> asked = std::make_shared<std::atomic<bool>>(false);
  };
  std::map<uint64_t, Stop> under_way;
};

// One request; lives on the library's thread.
struct Wire::Exchange {
  uint64_t id = 0;
  std::shared_ptr<Mailbox> mailbox;
  std::shared_ptr<PeerCheck> check;
  std::shared_ptr<http_client> client;
  std::string server;
  concurrency::streams::streambuf<uint8_t> body;

  // Runs `part`. An exception of the library ends the exchange with its text.
  template <class Part>
  void guarded(Part part) const {
    std::string error;
    try {
      part();
      return;
    } catch (const std::exception& thrown) {
      error = thrown.what();
    }
    end(error.empty() ? "unknown failure" : error);
  }
  void end(const std::string& error) const;
  static void run(const std::shared_ptr<Exchange>& self, const http_request& request,
                  const pplx::cancellation_token& cancellation);
  static void read_on(const std::shared_ptr<Exchange>& self);
};

namespace {

// The process may exit while the library's thread still communicates (see ~Wire), so libcrypto must
// not free its state at exit(). Only the first call of OPENSSL_init_crypto counts, so it runs
// before main().
[[maybe_unused]] const bool kTlsLasts = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;

// The library's only thread. With more than one, closing a connection upon cancellation races with
// the TLS stream's own handlers. All access to a connection runs there.
boost::asio::io_context& library_thread() {
  static const bool initialised = [] {
    crossplat::threadpool::initialize_with_threads(1);
    return true;
  }();
  (void)initialised;
  return crossplat::threadpool::shared_instance().service();
}

std::optional<std::chrono::seconds> retry_after(const http_response& response) {
  const auto header = response.headers().find("Retry-After");
  if (header == response.headers().end()) return std::nullopt;
  uint32_t seconds = 0;
  const auto& text = header->second;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 3600U));
}

std::string encoding(const http_response& response) {
  const auto header = response.headers().find("Content-Encoding");
  return header == response.headers().end() ? "" : header->second;
}

// The library resolves the host exactly as in the URI, so an IPv6 address must have no brackets;
// its URI parser accepts that.
web::uri library_uri(const char* scheme, const std::string& host, int port) {
  return {std::string(scheme) + "://" + host + ":" + std::to_string(port)};
}

web::web_proxy library_proxy(const Proxy& proxy) {
  web::web_proxy made(library_uri("http", proxy.host, proxy.port));
  if (!proxy.user.empty()) made.set_credentials(web::credentials(proxy.user, proxy.password));
  return made;
}

http_client_config configuration(const ApiAccess& access, const std::shared_ptr<PeerCheck>& check) {
  http_client_config config;
  config.set_timeout(std::chrono::hours(24));  // our own timers apply
  config.set_max_redirects(0);                 // the token is for this server only
  config.set_validate_certificates(!access.skip_tls_verify);
  config.set_tlsext_sni_enabled(false);  // set below: the library would send the Host header
  config.set_ssl_context_callback(
      [access, check](boost::asio::ssl::context& context) { set_up_tls(context, access, *check); });
  if (access.proxy) config.set_proxy(library_proxy(*access.proxy));
  const auto next_hop = access.proxy ? access.proxy->host : access.host();
  config.set_nativehandle_options([next_hop, check](void* handle) {
    auto& stream = *static_cast<boost::asio::ssl::stream<tcp::socket&>*>(handle);
    if (!IpAddress::parse(check->name)) {
      (void)SSL_set_tlsext_host_name(stream.native_handle(), check->name.c_str());
    }
    notice_dead_peer(stream.next_layer(), next_hop);
  });
  return config;
}

std::string target(const Request& request) {
  std::string text = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    text += separator;
    text += web::uri::encode_data_string(name) + "=" + web::uri::encode_data_string(value);
    separator = '&';
  }
  return text;
}

}  // namespace

void Wire::Exchange::end(const std::string& error) const {
  mailbox->post(id, WireEnd{error.empty() ? "" : server + ": " + plain_words(error, *check)});
  mailbox->exchange_ended();
}

void Wire::Exchange::run(const std::shared_ptr<Exchange>& self, const http_request& request,
                         const pplx::cancellation_token& cancellation) {
  // The task completes when the headers are in; the body follows as a stream.
  self->client->request(request, cancellation)
      .then([self](const pplx::task<http_response>& answered) {
        self->guarded([&] {
          const auto response = answered.get();
          self->mailbox->post(self->id, WireHeaders{.status = response.status_code(),
                                                    .retry_after = retry_after(response),
                                                    .encoding = encoding(response)});
          self->body = response.body().streambuf();
          read_on(self);
        });
      });
}

void Wire::Exchange::read_on(const std::shared_ptr<Exchange>& self) {
  self->body.getc().then([self](const pplx::task<int>& next) {
    self->guarded([&] {
      if (next.get() == concurrency::streams::char_traits<uint8_t>::eof()) return self->end("");
      std::string bytes(self->body.in_avail(), '\0');
      // Completes at once, because that many bytes are buffered.
      const auto count =
          self->body.getn(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()).get();
      bytes.resize(count);
      self->mailbox->post(self->id, WirePiece{std::move(bytes)});
      read_on(self);
    });
  });
}

Wire::Wire(boost::asio::io_context& io, const ApiAccess& access, Deliver deliver)
    : server_(access.scheme_host_port +
              (access.proxy ? " through proxy " + access.proxy->shown() : "")),
      program_(access.program),
      mailbox_(std::make_shared<Mailbox>(io, std::move(deliver))),
      connections_(std::make_unique<Connections>()) {
  (void)library_thread();
  const auto host = access.host();
  const auto port = std::to_string(access.port());
  connections_->check = std::make_shared<PeerCheck>();
  connections_->check->name = access.tls_server_name.empty() ? host : access.tls_server_name;
  connections_->make_client = [server = library_uri("https", host, access.port()),
                               config = configuration(access, connections_->check)] {
    return std::make_shared<http_client>(server, config);
  };
  if (host.find(':') != std::string::npos) {  // the header needs the brackets
    connections_->host_header = "[" + host + "]:" + port;
  }
  connections_->client = connections_->make_client();
}

// The library keeps connections per client, so a new client gets new ones.
void Wire::renew() {
  auto old = std::exchange(connections_->client, connections_->make_client());
  boost::asio::post(library_thread(), [old = std::move(old)] {});
}

Wire::~Wire() {
  while (!connections_->under_way.empty()) abort(connections_->under_way.begin()->first);
  // A running name resolution cannot be interrupted, hence the limits.
  if (!mailbox_->wait_until_idle(std::chrono::seconds(1))) return;
  // The library cleans up in its own tasks; tasks still queued at exit are lost.
  mailbox_->exchange_began();
  boost::asio::post(library_thread(), [mailbox = mailbox_] {
    library_thread().poll();
    mailbox->exchange_ended();
  });
  (void)mailbox_->wait_until_idle(std::chrono::seconds(1));
}

void Wire::send(uint64_t id, const Request& request, const std::string& bearer) {
  http_request made(request.method);
  made.set_request_uri(target(request));
  auto& headers = made.headers();
  headers.add("Accept", request.accept);
  headers.add("Accept-Encoding", "gzip");
  headers.add("User-Agent", program_ + "/" PELLICLE_VERSION);
  if (!connections_->host_header.empty()) headers.add("Host", connections_->host_header);
  if (!bearer.empty()) headers.add("Authorization", "Bearer " + bearer);
  if (!request.content_type.empty()) {
    headers.set_content_type(request.content_type);
    // As bytes: for a string, the library uses a cast that is undefined behaviour.
    made.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
  }
  const auto exchange = std::make_shared<Exchange>(Exchange{.id = id,
                                                            .mailbox = mailbox_,
                                                            .check = connections_->check,
                                                            .client = connections_->client,
                                                            .server = server_,
                                                            .body = {}});
  const auto& stop = connections_->under_way[id];
  mailbox_->exchange_began();
  boost::asio::post(library_thread(),
                    [exchange, made, asked = stop.asked, token = stop.source.get_token()] {
                      if (*asked) return exchange->end("cancelled");
                      exchange->guarded([&] { Exchange::run(exchange, made, token); });
                    });
}

void Wire::abort(uint64_t id) {
  const auto found = connections_->under_way.find(id);
  if (found == connections_->under_way.end()) return;
  *found->second.asked = true;
  boost::asio::post(library_thread(), [source = found->second.source] { source.cancel(); });
  connections_->under_way.erase(found);
}

void Wire::forget(uint64_t id) {
  connections_->under_way.erase(id);
}

}  // namespace pellicle
