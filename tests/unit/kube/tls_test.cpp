#include "agent/kube/tls.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "tests/harness/api/certificates.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
namespace ssl = boost::asio::ssl;

namespace {

const std::string kName = "kubernetes.default.svc";

// Why a client with this CA bundle refuses a server with this certificate; empty: it accepts.
// `sent`: the certificates that the server sends after its own.
std::string refusal(const std::string& bundle, const api::Certificate& certificate,
                    const std::string& sent = "") {
  boost::asio::io_context io;
  ssl::context serving(ssl::context::tls_server);
  const auto chain = certificate.certificate_pem + sent;
  serving.use_certificate_chain(boost::asio::buffer(chain));
  serving.use_private_key(boost::asio::buffer(certificate.key_pem), ssl::context::pem);
  ssl::context asking(ssl::context::tls_client);
  PeerCheck check{.name = kName, .refusal = ""};
  set_up_tls(asking, {.ca = {.text = bundle}}, check);
  using Stream = ssl::stream<boost::asio::local::stream_protocol::socket>;
  Stream server(io, serving);
  Stream client(io, asking);
  client.set_verify_mode(ssl::verify_peer);
  boost::asio::local::connect_pair(server.next_layer(), client.next_layer());
  boost::system::error_code outcome;
  server.async_handshake(ssl::stream_base::server, [](boost::system::error_code) {});
  client.async_handshake(ssl::stream_base::client, [&](boost::system::error_code error) {
    outcome = error;
    client.next_layer().close();
  });
  io.run();
  CHECK(outcome.failed() == !check.refusal.empty());
  return check.refusal;
}

}  // namespace

TEST_CASE("a bundle that holds the intermediate authority alone is enough") {
  const api::Authority root;
  const api::Authority intermediate("pellicle-test-intermediate", root);
  const auto certificate = intermediate.server({kName});
  CHECK(refusal(intermediate.pem(), certificate) == "");
  CHECK(refusal(intermediate.pem(), certificate, intermediate.pem()) == "");
  CHECK(refusal(root.pem(), certificate, intermediate.pem()) == "");
  CHECK_THAT(refusal(root.pem(), certificate), Catch::Contains("not trusted"));
}

TEST_CASE("of authorities with one name each is tried, wherever it stands in the bundle") {
  const api::Authority before(api::Issuers::named);
  const api::Authority now(api::Issuers::named);
  const api::Authority stranger(api::Issuers::named);
  const auto certificate = now.server({kName});
  CHECK(refusal(before.pem() + now.pem(), certificate) == "");
  CHECK(refusal(now.pem() + before.pem(), certificate) == "");
  CHECK(refusal(stranger.pem() + before.pem() + now.pem(), certificate) == "");
  CHECK_THAT(refusal(before.pem() + stranger.pem(), certificate),
             Catch::Contains("certificate signature failure"));
  CHECK_THAT(refusal(before.pem() + now.pem(), now.server({"other.svc"})),
             Catch::Contains("is not for kubernetes.default.svc"));
  const api::Validity over{.from = -7200, .until = -3600};
  CHECK_THAT(refusal(before.pem() + now.pem(), now.server({kName}, over)),
             !Catch::Matchers::Equals(""));
}

}  // namespace this_file
