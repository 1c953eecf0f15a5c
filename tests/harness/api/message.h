// An HTTP request and response, reduced to what the API reads.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tests/harness/api/resource.h"

namespace pellicle::api {

struct Request {
  std::string method, target, body;
  std::string authorization, content_type, accept, accept_encoding, user_agent;
  bool keep_alive = true;
};

struct Response {
  int code = 200;
  std::string body;
  std::string content_type = "application/json";
  bool gzip = false;  // the body goes over the wire compressed
  std::optional<std::chrono::seconds> retry_after;
};

Response json_response(int code, const Json& body);

}  // namespace pellicle::api
