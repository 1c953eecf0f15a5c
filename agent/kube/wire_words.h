// What the HTTP library says of a failure, in plain words.
#pragma once

#include <string>

#include "agent/kube/tls.h"

namespace pellicle {

// `check` knows why a TLS handshake was refused. A message that is not known is returned as it is.
std::string plain_words(const std::string& library_message, const PeerCheck& check);

}  // namespace pellicle
