// One line per event, as JSON or as text. The message says what happened, the fields carry the
// facts.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pellicle::log {

using Fields = nlohmann::ordered_json;  // an object; never put key bytes into it

enum class Format { json, text };

inline constexpr std::array<const char*, 4> kLevels = {"debug", "info", "warn", "error"};

// To standard error. `level` is one of kLevels.
void start(std::string_view level, Format format);

// Takes effect at once. Logs each change, whatever the levels. Returns false and changes nothing
// when `level` is not in kLevels.
bool set_level(std::string_view level);
std::string level();  // one of kLevels

void debug(std::string_view message, const Fields& fields = Fields::object());
void info(std::string_view message, const Fields& fields = Fields::object());
void warn(std::string_view message, const Fields& fields = Fields::object());
void error(std::string_view message, const Fields& fields = Fields::object());

}  // namespace pellicle::log
