// Text output for an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace pellicle::ctl {

inline constexpr size_t kLabel = 14;    // columns of "Kubernetes:   "
inline constexpr size_t kWidth = 80;    // of the terminal
inline constexpr size_t kFewPeers = 8;  // shown without --verbose

class Screen {
 public:
  explicit Screen(bool colour) : colour_(colour) {}

  void line(const std::string& label, const std::string& text) {
    out_ << label << std::string(label.size() < kLabel ? kLabel - label.size() : 1, ' ') << text
         << "\n";
  }

  void row(const std::string& text) { out_ << text << "\n"; }

  // A label and a value with one blank between, so that a script can split at the colon.
  void field(const std::string& label, const std::string& value) {
    out_ << label << (value.empty() ? "" : " ") << value << "\n";
  }

  // A label and text that may need several rows.
  void sentence(const std::string& label, const std::string& text) {
    entry(label + std::string(kLabel - label.size(), ' '), kLabel, text);
  }

  // The same with a label of so many columns, blanks and colours among it.
  void entry(const std::string& label, size_t columns, const std::string& text) {
    out_ << label;
    paragraph(columns, text, columns);
  }

  // Wraps text at the terminal's width, with continuation rows indented. `column`: the current
  // cursor column.
  void paragraph(size_t indent, const std::string& text, size_t column = 0) {
    std::istringstream words(text);
    std::string word;
    std::string row;
    while (words >> word) {
      if (!row.empty() && indent + row.size() + 1 + word.size() > kWidth) {
        out_ << std::string(indent - column, ' ') << row << "\n";
        column = 0;
        row.clear();
      }
      row += (row.empty() ? "" : " ") + word;
    }
    if (!row.empty()) out_ << std::string(indent - column, ' ') << row << "\n";
  }

  std::string good(const std::string& text) const { return paint("32", text); }
  std::string bad(const std::string& text) const { return paint("31", text); }
  void add(const Screen& other) { out_ << other.text(); }
  std::string text() const { return out_.str(); }

 private:
  std::string paint(const char* code, const std::string& text) const {
    return colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
  }
  bool colour_;
  std::ostringstream out_;
};

inline std::string text_of(const nlohmann::ordered_json& json, const char* field,
                           const std::string& otherwise = "-") {
  const auto at = json.find(field);
  return at != json.end() && at->is_string() && !at->get<std::string>().empty()
             ? at->get<std::string>()
             : otherwise;
}

inline std::string padded(const std::string& text, size_t width) {
  return text.size() >= width ? text + " " : text + std::string(width - text.size(), ' ');
}

}  // namespace pellicle::ctl
