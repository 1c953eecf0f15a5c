// Requests and answers as values, so that the protocol above them is free of any HTTP library.
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
  std::vector<std::pair<std::string, std::string>> query;  // as meant; the client encodes it
  std::string content_type;                                // of the body; empty: no body
  std::string body;
  // A request: until its whole answer is in. A watch: the longest silence after its headers.
  std::chrono::milliseconds limit = std::chrono::seconds(30);
  bool operator==(const Request&) const = default;
};

struct Response {
  uint16_t status = 0;                              // 0: there was no answer, `error` says why
  std::optional<std::chrono::seconds> retry_after;  // the header, when it is a number of seconds
  std::string body;
  std::string error;  // one sentence about the transport; an answer may also end in one
  bool operator==(const Response&) const = default;
};

// How a watch ended. An answer other than 200 has its body in `response`.
struct WatchEnd {
  Response response;
  bool half_frame = false;  // the last frame was cut short, and was thrown away
  bool operator==(const WatchEnd&) const = default;
};

// What went wrong, for people: "403 Forbidden: nodes is forbidden: User ... cannot list ..." with
// the message of a Kubernetes Status, or the transport's sentence. Never quotes any other body.
std::string failure_sentence(const Response& response);

}  // namespace pellicle
