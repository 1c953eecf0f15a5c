// Requests and answers as values, independent of any HTTP library.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pellicle {

struct Request {
  std::string method = "GET";
  std::string path;                                        // "/api/v1/nodes"
  std::vector<std::pair<std::string, std::string>> query;  // not encoded; the client encodes it
  std::string accept = "application/json";                 // media types, the preferred one first
  std::string content_type;                                // of the body; empty: there is no body
  std::string body;
  // Request: time until the whole answer is in. Watch: longest silence after its headers.
  std::chrono::milliseconds limit = std::chrono::seconds(30);
  bool operator==(const Request&) const = default;
};

struct Response {
  uint16_t status = 0;                              // 0: no answer, see `error`
  std::optional<std::chrono::seconds> retry_after;  // the header, when it is a number of seconds
  std::string body;
  std::string error;  // one sentence about the transport; also set when an answer breaks off
  bool operator==(const Response&) const = default;
};

// How a watch ended. The body of an answer other than 200 is in `response`.
struct WatchEnd {
  Response response;
  bool half_frame = false;  // the last frame was incomplete and is dropped
  bool operator==(const WatchEnd&) const = default;
};

// What failed, for people: "403 Forbidden: nodes is forbidden: User ... cannot list ..." with the
// message of a Kubernetes Status, or the transport's sentence. Never quotes any other body.
std::string failure_sentence(const Response& response);

}  // namespace pellicle
