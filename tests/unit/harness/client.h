// An HTTPS client of its own making for the fixture's tests: it sees how an answer was framed and
// how a connection ended, which well-mannered clients hide.
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
};

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  Json json() const { return Json::parse(body); }
};

enum class Ending {
  open,      // nothing more came within the limit
  complete,  // the answer is whole: its length or its last chunk was reached
  goodbye,   // TLS was closed in the middle
  cut,       // the TCP connection was closed in the middle, without TLS's goodbye
  reset,     // by a TCP reset
};

// One connection with one question under way.
class Exchange {
 public:
  // Connects and asks. Throws std::runtime_error if the connection is refused or TLS fails, as it
  // does for a certificate that the fixture's CA did not sign for the address.
  Exchange(const ApiFixture& api, const Ask& ask,
           const std::optional<api::Certificate>& certificate = std::nullopt);
  ~Exchange();

  void ask(const Ask& ask);  // again, on the same connection

  Ending wait_for_headers(std::chrono::milliseconds limit = 5s);
  Ending wait_for_end(std::chrono::milliseconds limit = 5s);
  Reply reply() const;  // what has come of it so far

  // The next line of the body; nothing if none was completed within the limit.
  std::optional<std::string> line(std::chrono::milliseconds limit = 5s);
  Json frame();              // the next line as JSON; fails the test without one
  std::string rest() const;  // of the body: what no line() has returned

  bool wait_for_rest(std::chrono::milliseconds limit = 5s);  // until there is some

  bool reusable() const;  // complete, and the server did not say that it will close

 private:
  struct State;
  Ending receive(std::chrono::steady_clock::time_point until);
  std::unique_ptr<State> state_;
};

// Asks on a new connection and waits for the whole answer; fails the test if there is none.
Reply fetch(const ApiFixture& api, const Ask& ask);
Reply get(const ApiFixture& api, const std::string& target);

// A fixture whose kToken is known, with the seed's objects.
std::unique_ptr<ApiFixture> seeded();

}  // namespace pellicle::client
