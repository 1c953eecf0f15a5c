// A certificate authority of its own for each fixture: nothing to install, nothing to expire.
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

// From now on, in seconds: a day ago, in ten years.
struct Validity {
  long from = -24L * 60 * 60;
  long until = 3650L * 24 * 60 * 60;
};

// Whether certificates say by an identifier which key has signed them, or by the issuer's name
// alone.
enum class Issuers : uint8_t { identified, named };

class Authority {
 public:
  // Throws std::runtime_error if OpenSSL cannot; so do the calls below.
  explicit Authority(Issuers issuers = Issuers::identified);
  Authority(const std::string& name, const Authority& parent);  // an intermediate one
  ~Authority();

  const std::string& pem() const { return pem_; }

  // `names`: IP addresses and DNS names the server is reached by.
  Certificate server(const std::vector<std::string>& names, const Validity& validity = {}) const;

  // The user is the common name, as Kubernetes reads client certificates.
  Certificate client(const std::string& user) const;

 private:
  struct Issuer;
  std::unique_ptr<Issuer> issuer_;
  std::string pem_;
};

}  // namespace pellicle::api
