// Standard base64, as Secrets and kubeconfig files carry it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

// No value unless `text` is padded base64; white space between the digits is skipped.
std::optional<std::string> from_base64(std::string_view text);

std::string to_base64(std::string_view bytes);  // padded, on one line

}  // namespace pellicle
