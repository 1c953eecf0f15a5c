// Base64 and percent-encoding, as Secrets, continue tokens, kubeconfigs and queries need them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pellicle::api {

std::string base64(std::string_view bytes);                     // standard alphabet, padded
std::optional<std::string> from_base64(std::string_view text);  // nullopt: not base64

// `%2F` and, in a query, `+` for a space. A percent sign without two hex digits stays as it is.
std::string percent_decoded(std::string_view text, bool plus_is_space);

}  // namespace pellicle::api
