// One line per event, as JSON or as text; the fields carry the facts, the message says what
// happened.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pellicle::log {

using Fields = nlohmann::ordered_json;  // an object; never put key bytes into it

enum class Format { json, text };

// To standard error. `level` is debug, info, warn or error.
void start(std::string_view level, Format format);

void debug(std::string_view message, const Fields& fields = Fields::object());
void info(std::string_view message, const Fields& fields = Fields::object());
void warn(std::string_view message, const Fields& fields = Fields::object());
void error(std::string_view message, const Fields& fields = Fields::object());

}  // namespace pellicle::log
