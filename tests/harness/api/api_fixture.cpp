#include "tests/harness/api/api_fixture.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/harness/api/patch.h"
#include "tests/harness/api/server.h"

namespace pellicle {
namespace {

using Lock = std::unique_lock<std::mutex>;

std::vector<std::string> server_names(const std::string& address,
                                      const std::vector<std::string>& more) {
  std::vector<std::string> names = {address, "127.0.0.1", "localhost", "kubernetes.default.svc"};
  names.insert(names.end(), more.begin(), more.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

size_t count_watches(const api::Shared& shared, const std::string& resource) {
  return size_t(std::count_if(
      shared.watches.begin(), shared.watches.end(),
      [&](const api::OpenWatch& watch) { return resource.empty() || watch.resource == resource; }));
}

api::Json shown(const api::Object& object, const api::ObjectKey& key) {
  return api::with_kind(*object, *api::find_resource(key.resource));
}

}  // namespace

class ApiFixture::Server {
 public:
  Server(const api::Certificate& certificate, const std::string& ca_pem, api::Shared& shared)
      : tls(certificate, ca_pem), server(tls, shared) {}
  api::Tls tls;
  api::Server server;
};

ApiFixture::ApiFixture(const std::string& address, uint16_t port,
                       const std::vector<std::string>& more_names)
    : address_(address),
      shared_(std::make_unique<api::Shared>()),
      server_(std::make_unique<Server>(authority_.server(server_names(address, more_names)),
                                       authority_.pem(), *shared_)) {
  server_->server.start(address, port);
  port_ = server_->server.port();
}

ApiFixture::~ApiFixture() = default;

std::string ApiFixture::url() const {
  const bool v6 = address_.find(':') != std::string::npos;
  const std::string host = address_ == "0.0.0.0" ? "127.0.0.1"
                           : v6                  ? "[" + address_ + "]"
                                                 : address_;
  return "https://" + host + ":" + std::to_string(port_);
}

void ApiFixture::allow_token(const std::string& token, const std::string& user) {
  const Lock lock(shared_->mutex);
  shared_->access.allow_token(token, user);
}

void ApiFixture::revoke_token(const std::string& token) {
  const Lock lock(shared_->mutex);
  shared_->access.revoke_token(token);
}

api::Certificate ApiFixture::client_certificate(const std::string& user) const {
  return authority_.client(user);
}

void ApiFixture::forbid(const std::string& user, const std::string& verb,
                        const std::string& resource) {
  const Lock lock(shared_->mutex);
  shared_->access.forbid(user, verb, resource);
}

void ApiFixture::permit(const std::string& user, const std::string& verb,
                        const std::string& resource) {
  const Lock lock(shared_->mutex);
  shared_->access.permit(user, verb, resource);
}

api::Json ApiFixture::create(const api::Json& object) {
  const Lock lock(shared_->mutex);
  const api::ObjectKey key = api::key_of(object);
  const api::Object created = shared_->store.create(key, object);
  shared_->wake_all();
  return shown(created, key);
}

api::Json ApiFixture::update(const api::Json& object) {
  const Lock lock(shared_->mutex);
  const api::ObjectKey key = api::key_of(object);
  const api::Object updated = shared_->store.update(key, object);
  shared_->wake_all();
  return shown(updated, key);
}

api::Json ApiFixture::patch(const api::ObjectKey& key, const api::Json& merge) {
  const Lock lock(shared_->mutex);
  const api::Object current = shared_->store.get(key);
  if (!current) throw api::not_found(key);
  const api::Object patched = shared_->store.update(key, api::merge_patch(*current, merge));
  shared_->wake_all();
  return shown(patched, key);
}

void ApiFixture::remove(const api::ObjectKey& key) {
  const Lock lock(shared_->mutex);
  shared_->store.remove(key);
  shared_->wake_all();
}

std::optional<api::Json> ApiFixture::get(const api::ObjectKey& key) const {
  const Lock lock(shared_->mutex);
  const api::Object object = shared_->store.get(key);
  if (!object) return std::nullopt;
  return shown(object, key);
}

std::vector<api::Json> ApiFixture::list(const std::string& resource) const {
  const Lock lock(shared_->mutex);
  std::vector<api::Json> all;
  for (const auto& [key, object] : shared_->store.at(shared_->store.version(), resource, ""))
    all.push_back(shown(object, key));
  return all;
}

std::vector<api::Event> ApiFixture::history(const std::string& resource) const {
  const Lock lock(shared_->mutex);
  return shared_->store.after(0, resource, "");
}

uint64_t ApiFixture::version() const {
  const Lock lock(shared_->mutex);
  return shared_->store.version();
}

void ApiFixture::inject(api::Fault fault) {
  const Lock lock(shared_->mutex);
  shared_->faults.add(std::move(fault));
}

void ApiFixture::clear_faults() {
  const Lock lock(shared_->mutex);
  shared_->faults.clear();
  shared_->wake_all();
}

size_t ApiFixture::disturb_watches(api::FaultKind kind, const std::string& resource) {
  if (kind == api::FaultKind::answer || kind == api::FaultKind::delay ||
      kind == api::FaultKind::late)
    throw std::invalid_argument("an open watch has been answered already");
  const Lock lock(shared_->mutex);
  for (api::OpenWatch& watch : shared_->watches) {
    if (!resource.empty() && watch.resource != resource) continue;
    watch.order = kind;
    watch.version = shared_->store.version();
    watch.clears = shared_->faults.clears();
  }
  shared_->wake_all();
  return count_watches(*shared_, resource);
}

void ApiFixture::forget_history() {
  const Lock lock(shared_->mutex);
  shared_->store.forget_history();
}

void ApiFixture::go_away() {
  server_->server.stop();
}

void ApiFixture::come_back() {
  // While the port was free, the kernel may have given it to an outgoing connection.
  for (int tries = 100;; --tries) try {
      return server_->server.start(address_, port_);
    } catch (const std::system_error& error) {
      if (error.code().value() != EADDRINUSE || tries == 0) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void ApiFixture::set_bookmark_interval(std::chrono::milliseconds interval) {
  const Lock lock(shared_->mutex);
  shared_->settings.bookmark_interval = interval;
}

void ApiFixture::set_default_watch_timeout(std::chrono::milliseconds timeout) {
  const Lock lock(shared_->mutex);
  shared_->settings.default_watch_timeout = timeout;
}

void ApiFixture::set_gone_as_frame(bool as_frame) {
  const Lock lock(shared_->mutex);
  shared_->settings.gone_as_frame = as_frame;
}

void ApiFixture::set_metadata_served(api::MetadataServed served) {
  const Lock lock(shared_->mutex);
  shared_->settings.metadata = served;
}

void ApiFixture::set_gzip_above(size_t bytes) {
  const Lock lock(shared_->mutex);
  shared_->settings.gzip_above = bytes;
}

void ApiFixture::set_gzip_watches(bool compress) {
  const Lock lock(shared_->mutex);
  shared_->settings.gzip_watches = compress;
}

void ApiFixture::lag_at(std::optional<uint64_t> version) {
  const Lock lock(shared_->mutex);
  shared_->store.lag_at(version);
}

uint64_t ApiFixture::bytes_sent() const {
  return server_->tls.sent;
}

uint64_t ApiFixture::events_sent() const {
  const Lock lock(shared_->mutex);
  return shared_->events_sent;
}

std::vector<api::RequestSeen> ApiFixture::requests() const {
  const Lock lock(shared_->mutex);
  return shared_->requests;
}

void ApiFixture::clear_requests() {
  const Lock lock(shared_->mutex);
  shared_->requests.clear();
}

size_t ApiFixture::open_watches(const std::string& resource) const {
  const Lock lock(shared_->mutex);
  return count_watches(*shared_, resource);
}

bool ApiFixture::wait_for_request(const std::function<bool(const api::RequestSeen&)>& wanted,
                                  std::chrono::milliseconds limit) const {
  Lock lock(shared_->mutex);
  return shared_->seen.wait_for(lock, limit, [&] {
    return std::any_of(shared_->requests.begin(), shared_->requests.end(), wanted);
  });
}

bool ApiFixture::wait_for_watches(size_t count, std::chrono::milliseconds limit,
                                  const std::string& resource) const {
  Lock lock(shared_->mutex);
  return shared_->seen.wait_for(lock, limit,
                                [&] { return count_watches(*shared_, resource) == count; });
}

}  // namespace pellicle
