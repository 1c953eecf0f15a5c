#include "tests/unit/harness/client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <csignal>

#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"

namespace pellicle::client {
namespace {

namespace http = boost::beast::http;

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Release<SSL_free>>;
using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;
using Cert = std::unique_ptr<X509, Release<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("client: ") + what);
}

Cert certificate_of(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), int(pem.size())));
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Context context_for(const std::string& ca_pem, const std::optional<api::Certificate>& own) {
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate_of(ca_pem).get());
  if (own) {
    const Bio bio(BIO_new_mem_buf(own->key_pem.data(), int(own->key_pem.size())));
    const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(context.get(), certificate_of(own->certificate_pem).get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
  }
  return context;
}

int connected_socket(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  throw std::runtime_error("client: connection refused");
}

void set_receive_timeout(int fd, std::chrono::microseconds limit) {
  const auto at_least = std::max<int64_t>(limit.count(), 1000);  // 0 would mean no limit
  const timeval time = {at_least / 1'000'000, at_least % 1'000'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

std::string text_of(const Ask& ask) {
  std::string text = ask.method + " " + ask.target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
                     "User-Agent: harness-test/1\r\nAccept: " + ask.accept + "\r\n" +
                     (ask.gzip ? "Accept-Encoding: gzip\r\n" : "");
  if (!ask.token.empty()) text += "Authorization: Bearer " + ask.token + "\r\n";
  if (!ask.content_type.empty()) text += "Content-Type: " + ask.content_type + "\r\n";
  if (!ask.body.empty()) text += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  return text + "\r\n" + ask.body;
}

}  // namespace

struct Exchange::State {
  explicit State(int socket) : fd(socket) {}
  ~State() {
    connection.reset();
    close(fd);
  }
  int fd;
  Context context;
  Connection connection;
  std::optional<http::response_parser<http::string_body>> parser;
  std::string unparsed;
  size_t lines_end = 0;
};

Exchange::Exchange(const ApiFixture& api, const Ask& ask,
                   const std::optional<api::Certificate>& certificate)
    : state_(std::make_unique<State>(connected_socket(api.port()))) {
  std::signal(SIGPIPE, SIG_IGN);  // for requests on a connection that the server has closed
  state_->context = context_for(api.ca_pem(), certificate);
  state_->connection.reset(SSL_new(state_->context.get()));
  SSL* ssl = state_->connection.get();
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1");
  SSL_set_fd(ssl, state_->fd);
  set_receive_timeout(state_->fd, 5s);
  require(SSL_connect(ssl) == 1, "TLS handshake failed");
  this->ask(ask);
}

Exchange::~Exchange() = default;

void Exchange::ask(const Ask& ask) {
  state_->parser.emplace();
  state_->parser->eager(true);
  state_->parser->body_limit(uint64_t{64} << 20);
  state_->lines_end = 0;
  const std::string text = text_of(ask);
  require(SSL_write(state_->connection.get(), text.data(), int(text.size())) == int(text.size()),
          "cannot send");
}

Ending Exchange::receive(std::chrono::steady_clock::time_point until) {
  using namespace std::chrono;
  const auto left = duration_cast<microseconds>(until - steady_clock::now());
  if (left.count() <= 0) return Ending::open;
  set_receive_timeout(state_->fd, left);
  std::array<char, 16384> buffer{};
  ERR_clear_error();
  errno = 0;
  const int size = SSL_read(state_->connection.get(), buffer.data(), int(buffer.size()));
  const int error_number = errno;
  if (size <= 0) {
    const int why = SSL_get_error(state_->connection.get(), size);
    if (why == SSL_ERROR_WANT_READ) return Ending::open;
    if (why == SSL_ERROR_ZERO_RETURN) return Ending::goodbye;
    return error_number == ECONNRESET ? Ending::reset : Ending::cut;
  }
  state_->unparsed.append(buffer.data(), size_t(size));
  boost::system::error_code error;
  while (!state_->unparsed.empty() && !state_->parser->is_done()) {
    const size_t used = state_->parser->put(
        boost::asio::buffer(state_->unparsed.data(), state_->unparsed.size()), error);
    state_->unparsed.erase(0, used);
    if (error == http::error::need_more) break;
    if (error) throw std::runtime_error("client: bad HTTP: " + error.message());
    if (used == 0) break;
  }
  return state_->parser->is_done() ? Ending::complete : Ending::open;
}

Ending Exchange::wait_for_headers(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  Ending ending = Ending::open;
  while (!state_->parser->is_header_done() && ending == Ending::open &&
         std::chrono::steady_clock::now() < until)
    ending = receive(until);
  return ending;
}

Ending Exchange::wait_for_end(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  Ending ending = state_->parser->is_done() ? Ending::complete : Ending::open;
  while (ending == Ending::open && std::chrono::steady_clock::now() < until)
    ending = receive(until);
  return ending;
}

Reply Exchange::reply() const {
  Reply reply;
  if (!state_->parser->is_header_done()) return reply;
  const auto& message = state_->parser->get();
  reply.status = int(message.result_int());
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return char(std::tolower(c)); });
    reply.headers.emplace(name, std::string(field.value()));
  }
  reply.body = message.body();
  return reply;
}

std::optional<std::string> Exchange::line(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (Ending ending = Ending::open;;) {
    const std::string& body = state_->parser->get().body();
    const size_t end = body.find('\n', state_->lines_end);
    if (end != std::string::npos) {
      const std::string found = body.substr(state_->lines_end, end - state_->lines_end);
      state_->lines_end = end + 1;
      return found;
    }
    if (ending != Ending::open || state_->parser->is_done() ||
        std::chrono::steady_clock::now() >= until)
      return std::nullopt;
    ending = receive(until);
  }
}

Json Exchange::frame() {
  const std::optional<std::string> text = line();
  REQUIRE(text);
  return Json::parse(*text);
}

bool Exchange::wait_for_rest(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (rest().empty() && std::chrono::steady_clock::now() < until &&
         receive(until) == Ending::open) {
  }
  return !rest().empty();
}

std::string Exchange::rest() const {
  return state_->parser->get().body().substr(state_->lines_end);
}

bool Exchange::reusable() const {
  return state_->parser->is_done() && state_->parser->keep_alive();
}

Reply fetch(const ApiFixture& api, const Ask& ask) {
  Exchange exchange(api, ask);
  REQUIRE(exchange.wait_for_end() == Ending::complete);
  return exchange.reply();
}

Reply get(const ApiFixture& api, const std::string& target) {
  return fetch(api, {.target = target});
}

std::unique_ptr<ApiFixture> seeded() {
  auto api = std::make_unique<ApiFixture>();
  api->allow_token(kToken, kUser);
  for (const api::SeedNode& node : api::kSeedNodes) api->create(api::node_object(node));
  api->create(api::key_secret());
  return api;
}

}  // namespace pellicle::client
