#include "agent/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/clock.h"

namespace pellicle::log {

namespace {

Format g_format = Format::text;

std::string as_text(std::string_view message, const Fields& fields) {
  std::string line(message);
  for (const auto& [name, value] : fields.items()) {
    line += " " + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return line;
}

// Replaces invalid UTF-8, for example in a name from outside: writing a log line must not throw.
std::string as_json(std::string_view level, std::string_view message, const Fields& fields) {
  Fields line{{"time", now_text()}, {"level", level}, {"msg", message}};
  line.update(fields);
  return line.dump(-1, ' ', false, Fields::error_handler_t::replace);
}

void write(spdlog::level::level_enum level, std::string_view message, const Fields& fields) {
  if (!spdlog::should_log(level)) return;
  const auto name = spdlog::level::to_string_view(level);
  spdlog::log(level, "{}",
              g_format == Format::json ? as_json({name.data(), name.size()}, message, fields)
                                       : as_text(message, fields));
}

}  // namespace

void start(std::string_view level, Format format) {
  g_format = format;
  auto logger = spdlog::stderr_logger_st("pellicle");
  logger->set_pattern(format == Format::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

// spdlog accepts "warn" for its "warning", and prints "warning".
std::string level() {
  for (const auto* name : kLevels) {
    if (spdlog::level::from_str(name) == spdlog::get_level()) return name;
  }
  return kLevels.front();
}

bool set_level(std::string_view wanted) {
  if (std::find(kLevels.begin(), kLevels.end(), wanted) == kLevels.end()) return false;
  const auto before = level();
  if (before == wanted) return true;
  spdlog::set_level(spdlog::level::info);
  info("log level changed", {{"from", before}, {"to", wanted}});
  spdlog::set_level(spdlog::level::from_str(std::string(wanted)));
  return true;
}

void debug(std::string_view message, const Fields& fields) {
  write(spdlog::level::debug, message, fields);
}
void info(std::string_view message, const Fields& fields) {
  write(spdlog::level::info, message, fields);
}
void warn(std::string_view message, const Fields& fields) {
  write(spdlog::level::warn, message, fields);
}
void error(std::string_view message, const Fields& fields) {
  write(spdlog::level::err, message, fields);
}

}  // namespace pellicle::log
