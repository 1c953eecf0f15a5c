// Metrics as Prometheus reads them: text format 0.0.4. Debian 12 has no library that writes it for
// C++.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pellicle {

class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // What the values after it are of: a name, in base units, that ends in _total for counters; help
  // in one sentence.
  void counter(const std::string& name, const std::string& help) { family(name, "counter", help); }
  void gauge(const std::string& name, const std::string& help) { family(name, "gauge", help); }

  // Labels are escaped here. No two values of one family have the same ones.
  void value(uint64_t number, const Labels& labels = {}) { line(std::to_string(number), labels); }
  void value(double number, const Labels& labels = {});

  const std::string& text() const { return text_; }
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  void family(const std::string& name, const char* type, const std::string& help);
  void line(const std::string& number, const Labels& labels);

  std::string name_;
  std::string text_;
};

}  // namespace pellicle
