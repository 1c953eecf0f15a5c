#include "agent/http/metrics_text.h"

#include <array>
#include <charconv>

namespace pellicle {

namespace {

// Escapes a label's value. Help texts contain no quotes or line breaks, so they need no escaping.
std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

void MetricsText::family(const std::string& name, const char* type, const std::string& help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::value(double number, const Labels& labels) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  line(std::string(digits.data(), end), labels);
}

void MetricsText::line(const std::string& number, const Labels& labels) {
  text_ += name_;
  const char* before = "{";
  for (const auto& [label, value] : labels) {
    text_.append(before).append(label).append("=\"").append(escaped(value)).append("\"");
    before = ",";
  }
  text_.append(labels.empty() ? " " : "} ").append(number).append("\n");
}

}  // namespace pellicle
