// A Kubernetes API in the test's own process: HTTPS with its own CA, Nodes and Secrets with the
// semantics of a kube-apiserver (seen on 1.36), and faults on demand. Every call is safe from any
// thread. Open watches receive a change before the next request is answered.
//
//   ApiFixture api;
//   api.allow_token("secret", "system:serviceaccount:kube-system:pellicle");
//   api.create(api::node_object(api::kSeedNodes[0]));
//   api.inject({.kind = api::FaultKind::answer, .status = 429, .retry_after = 1s, .verb = "list"});
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/harness/api/certificates.h"
#include "tests/harness/api/faults.h"
#include "tests/harness/api/shared.h"

namespace pellicle {

class ApiFixture {
 public:
  // Listens at once; port 0 for any. The server's certificate is for the address, 127.0.0.1,
  // localhost, kubernetes.default.svc and `more_names`. Throws std::system_error.
  explicit ApiFixture(const std::string& address = "127.0.0.1", uint16_t port = 0,
                      const std::vector<std::string>& more_names = {});
  ~ApiFixture();  // closes every connection
  ApiFixture(const ApiFixture&) = delete;
  ApiFixture& operator=(const ApiFixture&) = delete;

  const std::string& ca_pem() const { return authority_.pem(); }
  uint16_t port() const { return port_; }
  std::string url() const;  // "https://127.0.0.1:41234"

  // Users, see api::Access. A change of a token takes effect with the next request.
  void allow_token(const std::string& token, const std::string& user);
  void revoke_token(const std::string& token);
  api::Certificate client_certificate(const std::string& user) const;
  void forbid(const std::string& user, const std::string& verb, const std::string& resource);
  void permit(const std::string& user, const std::string& verb, const std::string& resource);

  // The objects, with `kind` and `apiVersion`. Not validated: a test may store what no
  // kube-apiserver would. Throws the same api::Refusal as the request would: create 409; update
  // 404, and 409 for a stale resourceVersion if there is one; patch (RFC 7386) 404, 409; remove
  // 404.
  api::Json create(const api::Json& object);
  api::Json update(const api::Json& object);
  api::Json patch(const api::ObjectKey& key, const api::Json& merge);
  void remove(const api::ObjectKey& key);
  std::optional<api::Json> get(const api::ObjectKey& key) const;
  std::vector<api::Json> list(const std::string& resource) const;
  // Every event of a resource's objects, oldest first.
  std::vector<api::Event> history(const std::string& resource) const;
  uint64_t version() const;  // the newest resourceVersion

  // Faults for future requests, see api::Fault.
  void inject(api::Fault fault);
  void clear_faults();  // also closes stalled connections

  // Applies the fault to the watches that are open now (of one resource, or all) and returns their
  // number. Any kind except answer, delay and late, which throw std::invalid_argument.
  size_t disturb_watches(api::FaultKind kind, const std::string& resource = "");

  // Makes every resourceVersion returned so far too old to start from; open watches continue.
  void forget_history();

  // Closes the listener and every connection. Connections are refused until come_back(), which uses
  // the same port.
  void go_away();
  void come_back();

  void set_bookmark_interval(std::chrono::milliseconds interval);     // of future watches
  void set_default_watch_timeout(std::chrono::milliseconds timeout);  // of future watches
  void set_gone_as_frame(bool as_frame);  // how a watch receives 410, see api::Settings
  void set_metadata_served(api::MetadataServed served);
  void set_gzip_above(size_t bytes);     // see api::Settings
  void set_gzip_watches(bool compress);  // see api::Settings
  // The server's cache stays at this version (nullopt: follows), see api::Store.
  void lag_at(std::optional<uint64_t> version);

  // The requests, in the order of the answers.
  std::vector<api::RequestSeen> requests() const;
  void clear_requests();
  size_t open_watches(const std::string& resource = "") const;
  uint64_t bytes_sent() const;   // to all clients, as TLS
  uint64_t events_sent() const;  // by watches

  // Wait for the condition; false if it did not hold within `limit`.
  bool wait_for_request(const std::function<bool(const api::RequestSeen&)>& wanted,
                        std::chrono::milliseconds limit) const;
  bool wait_for_watches(size_t count, std::chrono::milliseconds limit,
                        const std::string& resource = "") const;

 private:
  class Server;

  std::string address_;
  uint16_t port_ = 0;
  api::Authority authority_;
  std::unique_ptr<api::Shared> shared_;
  std::unique_ptr<Server> server_;
};

}  // namespace pellicle
