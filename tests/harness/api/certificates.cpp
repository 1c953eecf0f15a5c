#include "tests/harness/api/certificates.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>

namespace pellicle::api {
namespace {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Release<X509_free>>;
using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;

void require(bool done, const char* operation) {
  if (done) return;
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  throw std::runtime_error(std::string("certificate: ") + operation + ": " + reason.data());
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "generate a key");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr, "make an extension");
  require(X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

// A certificate for `key` without extensions and signature.
Cert unsigned_certificate(const std::string& common_name, EVP_PKEY* key,
                          const Validity& validity = {}) {
  Cert cert(X509_new());
  require(cert != nullptr, "make a certificate");
  X509_set_version(cert.get(), X509_VERSION_3);
  uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "random");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), validity.from);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), validity.until);
  require(X509_set_pubkey(cert.get(), key) == 1, "set the key");
  X509_NAME* subject = X509_get_subject_name(cert.get());
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                     -1, -1, 0) == 1,
          "set the name");
  return cert;
}

void sign(X509* cert, X509* issuer, EVP_PKEY* issuer_key, Issuers issuers) {
  require(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1, "set the issuer");
  if (issuers == Issuers::identified) {
    add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    if (cert != issuer) add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
  }
  require(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "sign");
}

template <typename Write>
std::string pem_text(Write write) {
  Bio bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr && write(bio.get()) == 1, "write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, size_t(size)};
}

std::string pem_of(X509* cert) {
  return pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, cert); });
}

std::string pem_of(EVP_PKEY* key) {
  return pem_text([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    std::array<unsigned char, 16> address{};
    const bool is_ip = inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                       inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
    text += (text.empty() ? "" : ",") + std::string(is_ip ? "IP:" : "DNS:") + name;
  }
  return text;
}

}  // namespace

struct Authority::Issuer {
  Key key = new_key();
  Cert cert;
  Issuers issuers = Issuers::identified;

  // Makes `cert`, signed by `parent`, or self-signed.
  void begin(const std::string& name, const Issuer* parent) {
    cert = unsigned_certificate(name, key.get());
    X509* signer = parent == nullptr ? cert.get() : parent->cert.get();
    add_extension(cert.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    sign(cert.get(), signer, parent == nullptr ? key.get() : parent->key.get(), issuers);
  }

  Certificate issue(const std::string& common_name, const char* usage, const std::string& names,
                    const Validity& validity = {}) const {
    const Key subject_key = new_key();
    const Cert issued = unsigned_certificate(common_name, subject_key.get(), validity);
    add_extension(issued.get(), cert.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(issued.get(), cert.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(issued.get(), cert.get(), NID_ext_key_usage, usage);
    if (!names.empty()) add_extension(issued.get(), cert.get(), NID_subject_alt_name, names);
    sign(issued.get(), cert.get(), key.get(), issuers);
    return {pem_of(issued.get()), pem_of(subject_key.get())};
  }
};

Authority::Authority(Issuers issuers) : issuer_(std::make_unique<Issuer>()) {
  issuer_->issuers = issuers;
  issuer_->begin("pellicle-test-ca", nullptr);
  pem_ = pem_of(issuer_->cert.get());
}

Authority::Authority(const std::string& name, const Authority& parent)
    : issuer_(std::make_unique<Issuer>()) {
  issuer_->begin(name, parent.issuer_.get());
  pem_ = pem_of(issuer_->cert.get());
}

Authority::~Authority() = default;

Certificate Authority::server(const std::vector<std::string>& names,
                              const Validity& validity) const {
  return issuer_->issue("kube-apiserver", "serverAuth", alternative_names(names), validity);
}

Certificate Authority::client(const std::string& user) const {
  return issuer_->issue(user, "clientAuth", "");
}

}  // namespace pellicle::api
