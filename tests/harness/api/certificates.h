// A certificate authority per fixture: nothing to install, nothing expires.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pellicle::api {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

// Seconds relative to now: from one day ago to ten years ahead.
struct Validity {
  long from = -24L * 60 * 60;
  long until = 3650L * 24 * 60 * 60;
};

// Whether certificates identify the signing key by an identifier, or by the issuer's name only.
enum class Issuers : uint8_t { identified, named };

class Authority {
 public:
  // Throws std::runtime_error if OpenSSL fails; so do the calls below.
  explicit Authority(Issuers issuers = Issuers::identified);
  Authority(const std::string& name, const Authority& parent);  // an intermediate CA
  ~Authority();

  const std::string& pem() const { return pem_; }

  // `names`: IP addresses and DNS names of the server.
  Certificate server(const std::vector<std::string>& names, const Validity& validity = {}) const;

  // The user is the common name, as Kubernetes reads client certificates.
  Certificate client(const std::string& user) const;

 private:
  struct Issuer;
  std::unique_ptr<Issuer> issuer_;
  std::string pem_;
};

}  // namespace pellicle::api
