// A separate HTTPS client for the fixture's tests. It shows how an answer was framed and how a
// connection ended, which ordinary clients hide.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/harness/api/api_fixture.h"

namespace pellicle::client {

using api::Json;
using namespace std::chrono_literals;

inline constexpr const char* kToken = "the-token";
inline constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";

struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body;
  std::string content_type;
  std::string token = kToken;
  std::string accept = "application/json";
  bool gzip = false;  // Accept-Encoding
};

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  Json json() const { return Json::parse(body); }
};

enum class Ending {
  open,      // no more data within the limit
  complete,  // the answer is complete by its length or its last chunk
  goodbye,   // a TLS close in the middle
  cut,       // a TCP close in the middle, without TLS's close_notify
  reset,     // a TCP reset
};

// One connection with one request in progress.
class Exchange {
 public:
  // Connects and sends the request. Throws std::runtime_error if the connection is refused or TLS
  // fails, as for a certificate that the fixture's CA did not sign for the address.
  Exchange(const ApiFixture& api, const Ask& ask,
           const std::optional<api::Certificate>& certificate = std::nullopt);
  ~Exchange();

  void ask(const Ask& ask);  // another request on the same connection

  Ending wait_for_headers(std::chrono::milliseconds limit = 5s);
  Ending wait_for_end(std::chrono::milliseconds limit = 5s);
  Reply reply() const;  // as far as received

  // The next line of the body; nullopt if none is complete within the limit.
  std::optional<std::string> line(std::chrono::milliseconds limit = 5s);
  Json frame();              // the next line as JSON; fails the test if there is none
  std::string rest() const;  // of the body: what line() has not returned

  bool wait_for_rest(std::chrono::milliseconds limit = 5s);  // waits until rest() is not empty

  bool reusable() const;  // complete, and the server keeps the connection open

 private:
  struct State;
  Ending receive(std::chrono::steady_clock::time_point until);
  std::unique_ptr<State> state_;
};

// Sends a request on a new connection and waits for the complete answer; fails the test without
// one.
Reply fetch(const ApiFixture& api, const Ask& ask);
Reply get(const ApiFixture& api, const std::string& target);

// A fixture with the seed's objects that accepts kToken.
std::unique_ptr<ApiFixture> seeded();

}  // namespace pellicle::client
