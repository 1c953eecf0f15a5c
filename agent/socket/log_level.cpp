#include "agent/socket/log_level.h"

#include "agent/log.h"
#include "agent/socket/server.h"

namespace pellicle {

nlohmann::json log_level(const nlohmann::json& params) {
  const auto before = log::level();
  const auto wanted = params.is_object() ? params.find("level") : params.end();
  if (wanted == params.end()) return {{"level", before}, {"before", before}};
  if (!wanted->is_string() || !log::set_level(wanted->get<std::string>())) {
    throw RequestError(kErrorInvalid, "params.level: expected debug, info, warn or error, found " +
                                          wanted->dump());
  }
  return {{"level", log::level()}, {"before", before}};
}

}  // namespace pellicle
