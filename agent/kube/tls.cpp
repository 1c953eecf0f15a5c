#include "agent/kube/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/buffer.hpp>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "agent/clock.h"
#include "agent/model/ip.h"

namespace pellicle {
namespace {

// Locations of the system's certificate authorities. For every connection cpprestsdk 2.10.18 reads
// more than a hundred of them before set_up_tls() can decide whether they are needed: four fifths
// of a connection's cost. So this points OpenSSL's environment variables to /dev/null. It runs
// before main(), when no other thread reads the environment.
class SystemAuthorities {
 public:
  SystemAuthorities()
      : file_(taken(X509_get_default_cert_file_env(), X509_get_default_cert_file())),
        directory_(taken(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())) {}

  // Ignores unreadable files, as OpenSSL does: their certificates are not trusted.
  void trust(SSL_CTX* context) const {
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    (void)X509_STORE_load_file(store, file_.c_str());
    (void)X509_STORE_load_path(store, directory_.c_str());
    ERR_clear_error();
  }

 private:
  static std::string taken(const char* variable, const char* otherwise) {
    const char* value = std::getenv(variable);
    std::string place = value == nullptr ? otherwise : value;
    (void)setenv(variable, "/dev/null", 1);
    return place;
  }

  std::string file_;
  std::string directory_;
};

const SystemAuthorities system_authorities;

std::string place(const Pem& pem, const char* what) {
  return pem.file.empty() ? std::string("the ") + what + " in the kubeconfig" : pem.file;
}

std::string time_text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
  return time_text(std::chrono::system_clock::from_time_t(timegm(&parts)));
}

// Why a chain was refused. An expired or not yet valid certificate is reported with both times,
// because often the clock is wrong.
std::string refusal_sentence(X509_STORE_CTX* store, const std::string& name) {
  const int error = X509_STORE_CTX_get_error(store);
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  const std::string whose = X509_STORE_CTX_get_error_depth(store) == 0
                                ? "the server's certificate"
                                : "the certificate of the server's authority";
  const auto clock = ", and this node's clock says " + now_text();
  if (certificate != nullptr && error == X509_V_ERR_CERT_NOT_YET_VALID) {
    return whose + " is valid from " + time_text_of(X509_get0_notBefore(certificate)) + " on" +
           clock + ": set the clock, or replace the certificate";
  }
  if (certificate != nullptr && error == X509_V_ERR_CERT_HAS_EXPIRED) {
    return whose + " was valid until " + time_text_of(X509_get0_notAfter(certificate)) + clock +
           ": renew the certificate, or set the clock";
  }
  const std::string reason = X509_verify_cert_error_string(error);
  if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return "the server's certificate is not for " + name + ": " + reason;
  }
  return "the server's certificate is not trusted: " + reason;
}

struct FreeCertificates {
  void operator()(STACK_OF(X509) * all) const { sk_X509_pop_free(all, X509_free); }
};
struct FreeStack {
  void operator()(STACK_OF(X509) * all) const { sk_X509_free(all); }
};
struct FreeContext {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

// Verifies again with `anchor` as the only trusted certificate, because a store context that was
// used once cannot be used again.
bool trusted_by(X509_STORE_CTX* store, X509* anchor) {
  const std::unique_ptr<X509_STORE_CTX, FreeContext> again(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), FreeStack> alone(sk_X509_new_null());
  if (!again || !alone || sk_X509_push(alone.get(), anchor) == 0) return false;
  if (X509_STORE_CTX_init(again.get(), X509_STORE_CTX_get0_store(store),
                          X509_STORE_CTX_get0_cert(store),
                          X509_STORE_CTX_get0_untrusted(store)) != 1) {
    return false;
  }
  X509_STORE_CTX_set0_trusted_stack(again.get(), alone.get());
  return X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(again.get()),
                                X509_STORE_CTX_get0_param(store)) == 1 &&
         X509_verify_cert(again.get()) == 1;
}

// OpenSSL tries only one issuer of a name and fails when the signature is of another. A replaced
// authority is in the bundle twice under one name.
bool trusted_by_any(X509_STORE_CTX* store) {
  const std::unique_ptr<STACK_OF(X509), FreeCertificates> anchors(
      X509_STORE_get1_all_certs(X509_STORE_CTX_get0_store(store)));
  for (int i = 0; anchors && i < sk_X509_num(anchors.get()); ++i) {
    if (trusted_by(store, sk_X509_value(anchors.get(), i))) return true;
  }
  return false;
}

int verify(X509_STORE_CTX* store, void* argument) {
  auto& check = *static_cast<PeerCheck*>(argument);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(store);
  const bool set = IpAddress::parse(check.name)
                       ? X509_VERIFY_PARAM_set1_ip_asc(parameters, check.name.c_str()) == 1
                       : X509_VERIFY_PARAM_set1_host(parameters, check.name.c_str(), 0) == 1;
  // Trusts each certificate of the bundle, whatever its issuer, as kubectl and Go clients do.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  // Replaces the stream's own callback.
  X509_STORE_CTX_set_verify_cb(store, [](int ok, X509_STORE_CTX*) { return ok; });
  bool trusted = set && X509_verify_cert(store) == 1;
  if (!set) X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  check.refusal = trusted ? "" : refusal_sentence(store, check.name);
  if (!trusted && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_SIGNATURE_FAILURE &&
      trusted_by_any(store)) {
    trusted = true;
    check.refusal.clear();
    X509_STORE_CTX_set_error(store, X509_V_OK);
  }
  ERR_clear_error();
  return trusted ? 1 : 0;
}

void trust_only(SSL_CTX* context, const Pem& ca) {
  const auto text = ca.read();
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
  X509_STORE* store = X509_STORE_new();
  SSL_CTX_set_cert_store(context, store);  // now owned by the context
  int found = 0;
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    ++found;
  }
  ERR_clear_error();  // the loop ends with "no start line"
  if (found == 0) throw AccessError(place(ca, "certificate-authority") + " holds no certificate");
}

void present_client(boost::asio::ssl::context& context, const ApiAccess& access) {
  boost::system::error_code error;
  context.use_certificate_chain(boost::asio::buffer(access.client_certificate.read()), error);
  if (error) {
    throw AccessError(place(access.client_certificate, "client-certificate") +
                      " holds no client certificate");
  }
  context.use_private_key(boost::asio::buffer(access.client_key.read()),
                          boost::asio::ssl::context::pem, error);
  if (error) {
    throw AccessError(place(access.client_key, "client-key") +
                      " holds no private key for the client certificate");
  }
}

}  // namespace

void set_up_tls(boost::asio::ssl::context& context, const ApiAccess& access, PeerCheck& check) {
  check.refusal.clear();
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  if (!access.ca.empty()) {
    trust_only(native, access.ca);
  } else if (!access.skip_tls_verify) {
    system_authorities.trust(native);
  }
  if (!access.skip_tls_verify) SSL_CTX_set_cert_verify_callback(native, verify, &check);
  if (!access.client_certificate.empty()) present_client(context, access);
}

}  // namespace pellicle
