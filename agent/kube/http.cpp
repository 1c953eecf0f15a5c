#include "agent/kube/http.h"

#include <string_view>

#include "agent/kube/api_json.h"

namespace pellicle {
namespace {

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

}  // namespace

std::string failure_sentence(const Response& response) {
  if (response.status == 0 || (response.status == 200 && !response.error.empty())) {
    return response.error;
  }
  std::string sentence = std::to_string(response.status);
  const auto phrase = reason_phrase(response.status);
  if (!phrase.empty()) sentence += " " + std::string(phrase);
  const auto message = status_message(response.body);
  if (!message.empty() && message != phrase) sentence += ": " + message;
  return sentence;
}

}  // namespace pellicle
