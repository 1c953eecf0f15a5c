// Standard base64, as in Secrets and kubeconfig files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

// nullopt unless `text` is padded base64. White space between the digits is skipped.
std::optional<std::string> from_base64(std::string_view text);

std::string to_base64(std::string_view bytes);  // padded, on one line

}  // namespace pellicle
