#include "tests/harness/api/wire.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cerrno>
#include <cstring>

#include "tests/harness/api/refusal.h"
#include "tests/harness/api/zip.h"

namespace pellicle::api {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr size_t kBodyLimit = size_t{3} << 20;  // a kube-apiserver's request limit
constexpr size_t kChunkedFrom = 2048;  // Go's server sends larger bodies as chunks without a length

std::string header(const http::request<http::string_body>& message, http::field field) {
  const auto value = message[field];
  return {value.data(), value.size()};
}

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

// The headers that a kube-apiserver adds to every answer.
template <typename Message>
void set_headers(Message& message, const Response& response) {
  static const std::string flow_schema = new_uid();
  static const std::string priority_level = new_uid();
  message.set("Audit-Id", new_uid());
  message.set(http::field::cache_control, "no-cache, private");
  message.set(http::field::content_type, response.content_type);
  if (response.gzip) {
    message.set(http::field::content_encoding, "gzip");
    message.set(http::field::vary, "Accept-Encoding");
  }
  if (response.code == 403) message.set("X-Content-Type-Options", "nosniff");
  if (response.code != 401) {
    message.set("X-Kubernetes-Pf-Flowschema-Uid", flow_schema);
    message.set("X-Kubernetes-Pf-Prioritylevel-Uid", priority_level);
  }
  if (response.retry_after)
    message.set(http::field::retry_after, std::to_string(response.retry_after->count()));
  message.set(http::field::date, date_now());
}

http::response<http::string_body> message_of(const Response& response) {
  http::response<http::string_body> message(http::status(response.code), 11);
  set_headers(message, response);
  message.body() = response.gzip ? gzipped(response.body) : response.body;
  return message;
}

}  // namespace

struct Tls::Context : asio::ssl::context {
  Context() : asio::ssl::context(asio::ssl::context::tls_server) {}
};

Tls::Tls(const Certificate& server, const std::string& authority_pem)
    : context_(std::make_unique<Context>()) {
  context_->use_certificate_chain(asio::buffer(server.certificate_pem));
  context_->use_private_key(asio::buffer(server.key_pem), asio::ssl::context::pem);
  context_->add_certificate_authority(asio::buffer(authority_pem));
  // Like a kube-apiserver: a bad certificate is answered with 401, not with a failed handshake. The
  // connection keeps the verdict that this callback overrides (SSL_get_verify_result).
  context_->set_verify_mode(asio::ssl::verify_peer);
  context_->set_verify_callback([](bool, asio::ssl::verify_context&) { return true; });
  SSL_CTX_set_options(context_->native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context_->native_handle(), 0);
  SSL_CTX_set_session_cache_mode(context_->native_handle(), SSL_SESS_CACHE_OFF);
}

Tls::~Tls() = default;

struct Wire::Stream {
  Stream(int socket, asio::ssl::context& context)
      : tls(tcp::socket(io, tcp::v4(), socket), context), wake(eventfd(0, EFD_CLOEXEC)) {
    if (wake < 0) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
  }
  ~Stream() { ::close(wake); }

  tcp::socket& socket() { return tls.next_layer(); }
  void write(std::string_view text) { asio::write(tls, asio::buffer(text.data(), text.size())); }

  asio::io_context io;  // never run: every call here is synchronous
  asio::ssl::stream<tcp::socket> tls;
  boost::beast::flat_buffer unread;
  std::optional<Zip> zip;  // of the chunks
  uint64_t counted = 0;
  int wake;
};

Wire::Wire(int socket, Tls& tls)
    : tls_(tls), stream_(std::make_unique<Stream>(socket, *tls.context_)) {
  stream_->socket().set_option(tcp::no_delay(true));
}

Wire::~Wire() = default;

void Wire::handshake() {
  stream_->tls.handshake(asio::ssl::stream_base::server);
}

std::optional<std::string> Wire::certificate_user() const {
  SSL* ssl = stream_->tls.native_handle();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                &X509_free);
  if (!certificate) return std::nullopt;
  if (SSL_get_verify_result(ssl) != X509_V_OK) throw unauthorized();
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                            int(name.size()));
  return name.data();
}

std::optional<Request> Wire::read() {
  http::request_parser<http::string_body> parser;
  parser.body_limit(kBodyLimit);
  boost::system::error_code error;
  http::read(stream_->tls, stream_->unread, parser, error);
  if (error) return std::nullopt;
  const auto& message = parser.get();
  return Request{.method = std::string(message.method_string()),
                 .target = std::string(message.target()),
                 .body = message.body(),
                 .authorization = header(message, http::field::authorization),
                 .content_type = header(message, http::field::content_type),
                 .accept = header(message, http::field::accept),
                 .accept_encoding = header(message, http::field::accept_encoding),
                 .user_agent = header(message, http::field::user_agent),
                 .keep_alive = message.keep_alive()};
}

void Wire::send(const Response& response, bool keep_alive) {
  auto message = message_of(response);
  message.keep_alive(keep_alive);
  if (message.body().size() < kChunkedFrom)
    message.content_length(message.body().size());
  else
    message.chunked(true);
  http::write(stream_->tls, message);
  count();
}

void Wire::send_half(const Response& response) {
  auto message = message_of(response);
  message.content_length(message.body().size());
  http::response_serializer<http::string_body> serializer(message);
  http::write_header(stream_->tls, serializer);
  stream_->write(std::string_view(message.body()).substr(0, message.body().size() / 2));
}

void Wire::begin_chunks(bool gzip) {
  http::response<http::empty_body> message(http::status::ok, 11);
  set_headers(message, Response{.gzip = gzip});
  if (gzip) stream_->zip.emplace();
  message.chunked(true);
  http::response_serializer<http::empty_body> serializer(message);
  http::write_header(stream_->tls, serializer);
}

void Wire::send_chunk(std::string_view text) {
  const std::string zipped = stream_->zip ? stream_->zip->flushed(text) : "";
  if (stream_->zip) text = zipped;
  asio::write(stream_->tls, http::make_chunk(asio::buffer(text.data(), text.size())));
  count();
}

void Wire::end_chunks() {
  if (stream_->zip) {
    const auto rest = std::exchange(stream_->zip, std::nullopt)->end();
    asio::write(stream_->tls, http::make_chunk(asio::buffer(rest)));
  }
  asio::write(stream_->tls, http::make_chunk_last());
  count();
}

void Wire::count() {
  const uint64_t written = BIO_number_written(SSL_get_wbio(stream_->tls.native_handle()));
  tls_.sent += written - std::exchange(stream_->counted, written);
}

void Wire::say_goodbye() {
  boost::system::error_code ignored;
  // Does not wait for the peer's close_notify: the read that would wait returns at once.
  stream_->socket().non_blocking(true, ignored);
  stream_->tls.shutdown(ignored);
  stream_->socket().shutdown(tcp::socket::shutdown_both, ignored);
}

void Wire::reset_on_close() {
  // Not with Asio's option: Asio (1.74) resets a linger that was set through it when it closes.
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(stream_->socket().native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Wire::Woken Wire::wait(std::chrono::steady_clock::time_point until) {
  using namespace std::chrono;
  for (;;) {
    const auto left = ceil<milliseconds>(until - steady_clock::now()).count();
    std::array<pollfd, 2> fds = {
        {{stream_->socket().native_handle(), POLLIN | POLLRDHUP, 0}, {stream_->wake, POLLIN, 0}}};
    const int ready = poll(fds.data(), fds.size(), int(std::clamp<int64_t>(left, 0, 3600000)));
    if (ready < 0 && errno != EINTR)
      throw std::runtime_error(std::string("poll: ") + std::strerror(errno));
    if (ready > 0 && fds[1].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(stream_->wake, &count);
      if (fds[0].revents == 0) return Woken::by_notify;
    }
    if (ready > 0 && fds[0].revents != 0 && peer_left()) return Woken::by_peer_leaving;
    if (ready > 0 && fds[1].revents != 0) return Woken::by_notify;
    if (steady_clock::now() >= until) return Woken::by_timeout;
  }
}

// Reads unexpected input: the peer's close_notify, its FIN, TLS's own messages, or a pipelined
// request, which is kept for later.
bool Wire::peer_left() {
  tcp::socket& socket = stream_->socket();
  boost::system::error_code error;
  socket.non_blocking(true, error);
  const size_t size = stream_->tls.read_some(stream_->unread.prepare(4096), error);
  stream_->unread.commit(size);
  boost::system::error_code ignored;
  socket.non_blocking(false, ignored);
  return error && error != asio::error::would_block;
}

void Wire::notify() {
  eventfd_write(stream_->wake, 1);
}

void Wire::shut() {
  ::shutdown(stream_->socket().native_handle(), SHUT_RDWR);
}

}  // namespace pellicle::api
