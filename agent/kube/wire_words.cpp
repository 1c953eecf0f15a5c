#include "agent/kube/wire_words.h"

namespace pellicle {

std::string plain_words(const std::string& library_message, const PeerCheck& check) {
  const auto says = [&](const char* part) {
    return library_message.find(part) != std::string::npos;
  };
  if (says("200 response from proxy")) {
    return "the proxy answers CONNECT with status" +
           library_message.substr(library_message.rfind(' '));
  }
  if (says("connect to any resolved proxy")) return "cannot connect to the proxy";
  if (says("resolving proxy")) return "cannot resolve the proxy's host name";
  if (says("proxy")) return "the proxy closed the connection before an answer came";
  if (says("SSL handshake")) {
    return check.refusal.empty() ? "the TLS handshake failed" : check.refusal;
  }
  if (says("Failed to connect")) return "cannot connect";
  if (says("resolv")) return "cannot resolve the host name";
  if (says("status line") || says("Failed to write")) {
    return "the connection was closed before an answer came";
  }
  if (says("chunk") || says("response body")) {
    return "the connection was lost in the middle of the answer";
  }
  return library_message;
}

}  // namespace pellicle
